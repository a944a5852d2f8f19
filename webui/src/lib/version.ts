import { version } from '../../package.json';

/** Of these pages; the hub's own may be another where the phone app was installed from elsewhere. */
export const VERSION = version;
