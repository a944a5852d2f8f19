/** The small build of exifr: TIFF, EXIF and GPS of JPEG and HEIC. The package declares the types of its full build alone. */
declare module 'exifr/dist/lite.esm.mjs' {
  export { parse } from 'exifr';
}
