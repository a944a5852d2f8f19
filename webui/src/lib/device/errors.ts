/** What the engine fails with, apart from the engine: the first page tells them apart, and stands before the engine has come. */

export { BackupError } from './backup/backup-error';
export { StoreError } from './store/store-error';
