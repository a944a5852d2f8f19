import { fixOfPhoto, type Fix } from '$lib/rules/fix';

/** What a photo says of itself. */
export interface PhotoFacts {
  place: Fix | null;
  /** Milliseconds since 1970, by the camera's clock. */
  takenAt: number | null;
}

const NOTHING: PhotoFacts = { place: null, takenAt: null };

/** A photo is kept whether or not its reader can be fetched, and soon. */
const PATIENCE_MS = 1500;

const reader = () => import('exifr/dist/lite.esm.mjs');

/** Fetches the reader before there is a photo. */
export const prepare = (): void => void reader().catch(() => {});

/** Reads the photo's own notes (EXIF). It never fails, and changes nothing: a photo without any says nothing. */
export async function factsOf(photo: Blob): Promise<PhotoFacts> {
  const late = new Promise<PhotoFacts>((tell) => setTimeout(() => tell(NOTHING), PATIENCE_MS));
  return Promise.race([read(photo).catch(() => NOTHING), late]);
}

async function read(photo: Blob): Promise<PhotoFacts> {
  const { parse } = await reader();
  const said: Record<string, unknown> | undefined = await parse(photo, { reviveValues: false });
  return { place: fixOfPhoto(said?.latitude, said?.longitude), takenAt: timeOf(said?.DateTimeOriginal, said?.OffsetTimeOriginal) };
}

/** `2026:11:20 10:05:42`, by the camera's own time zone where it tells one, else by this phone's. */
function timeOf(time: unknown, offset: unknown): number | null {
  const parts = typeof time === 'string' ? /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(time) : null;
  if (!parts) return null;
  const zone = typeof offset === 'string' && /^[+-]\d\d:\d\d$/.test(offset) ? offset : '';
  const at = Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}${zone}`);
  return Number.isFinite(at) ? at : null;
}
