/**
 * The key and the hubs as a line of text, for a picture of a code on paper: what a lost phone takes with it, its records aside.
 *
 * `device.ts` calls this. It promises: what is read from a card is what a saved file with nothing recorded would say; the records
 * themselves come back from the hubs.
 *
 * The line: `maloca-key-1 ` and `{"device","hubs":[{"id","project","name","addresses"}],"seed"}`, canonical.
 */

import { toHex, utf8 } from '../record/bytes';
import { canonical, isObject, parse, type Json } from '../record/canonical';
import type { DeviceKey } from '../record/keys';
import type { KnownHub } from '../store/schema';
import { FORMAT } from './backup';
import { tarOf } from './tar';

const BEGIN = 'maloca-key-1 ';

/** A code with more of them is too fine for a phone's camera. */
const HUBS = 2;

export function cardOf({ id: device, seed }: DeviceKey, hubs: KnownHub[]): string {
  const known = hubs.slice(0, HUBS).map(({ id, project, name, addresses }) => ({ id, project, name, addresses: addresses.slice(0, 1) }));
  return BEGIN + canonical({ device, seed: toHex(seed), hubs: known });
}

/** A file as `openFrom` takes it, of what a card says; `null` where it is none. */
export function fileOfCard(text: string): Blob | null {
  const said = text.startsWith(BEGIN) ? read(text.slice(BEGIN.length)) : null;
  if (!isObject(said) || typeof said.device !== 'string' || typeof said.seed !== 'string') return null;
  const { device, seed, hubs = [] } = said;
  return tarOf(
    [
      { name: 'about.json', bytes: new Blob([canonical({ format: FORMAT, device, hubs })]) },
      { name: 'key.json', bytes: new Blob([canonical({ device, seed })]) },
    ],
    0,
  );
}

function read(text: string): Json {
  try {
    return parse(utf8(text));
  } catch {
    return null;
  }
}
