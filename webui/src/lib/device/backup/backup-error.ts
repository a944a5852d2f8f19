/** Why a file cannot be read back here. */
export class BackupError extends Error {
  constructor(
    readonly code: /** It is none of ours, or of a later version. */ 'no_backup' | /** It is another phone's. */ 'another_device',
  ) {
    super(code);
    this.name = 'BackupError';
  }
}
