/**
 * Reading a code with two dimensions: by the browser's own reader where it has one, else by a small library that is fetched then.
 */

/** As much of the browser's interface as is used; younger than TypeScript's library. */
interface Reader {
  detect(image: ImageBitmapSource): Promise<{ rawValue: string }[]>;
}

type ReaderClass = { new (options: { formats: string[] }): Reader; getSupportedFormats(): Promise<string[]> };

const FORMAT = { formats: ['qr_code'] };

/** How often the camera's picture is looked at. */
const EVERY_MS = 150;

/** Larger pictures are read no better, and a cheap phone takes seconds for them. */
const LARGEST = 1600;

async function reader(): Promise<Reader> {
  const Own = (globalThis as { BarcodeDetector?: ReaderClass }).BarcodeDetector;
  const isThere = await Own?.getSupportedFormats().then(
    (formats) => formats.includes('qr_code'),
    () => false,
  );
  if (Own && isThere) return new Own(FORMAT);
  const { BarcodeDetector } = await import('qr/decode.js');
  return new BarcodeDetector({ formats: ['qr_code'] });
}

/** Whether this page may open the camera at all. */
export const hasCamera = (): boolean => typeof navigator.mediaDevices?.getUserMedia === 'function';

/** What a picture's code says; `null` where none is seen. */
export async function readPicture(picture: Blob): Promise<string | null> {
  const whole = await createImageBitmap(picture);
  const scale = Math.min(1, LARGEST / Math.max(whole.width, whole.height));
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [Math.round(whole.width * scale), Math.round(whole.height * scale)];
  canvas.getContext('2d', { willReadFrequently: true })?.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return (await (await reader()).detect(canvas))[0]?.rawValue ?? null;
}

/** Shows the camera in `video` and tells each code that it sees, until `stop`. Fails where the camera does not open. */
export async function watch(video: HTMLVideoElement, seen: (text: string) => void, stop: AbortSignal): Promise<void> {
  const [eye, stream] = await Promise.all([reader(), navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } })]);
  try {
    video.srcObject = stream;
    await video.play();
    while (!stop.aborted) {
      // A frame that is not there yet is no code.
      const codes = await eye.detect(video).catch(() => []);
      if (codes[0] && !stop.aborted) seen(codes[0].rawValue);
      await new Promise((next) => setTimeout(next, EVERY_MS));
    }
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
