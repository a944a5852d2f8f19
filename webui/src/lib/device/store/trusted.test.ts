/** Categories come from the project's hubs; what anybody else calls one is passed over. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JsonObject } from '../record/canonical';
import { docFromSource } from '../record/ids';
import { DeviceKey } from '../record/keys';
import { sign } from '../record/revision';
import { FakeHub } from '../testing/fake-hub';
import { phone } from '../testing/phone';

let hub: FakeHub;
let device: Awaited<ReturnType<typeof phone>>;
beforeEach(async () => {
  hub = await FakeHub.start();
  device = await phone();
});
afterEach(async () => {
  device.close();
  await hub.stop();
});

const said = (kind: string, doc: string, set: JsonObject, by: DeviceKey) =>
  sign({ kind, doc, parents: [], createdAt: 1_795_000_000_000, set, unset: [], attach: [], detach: [], deleted: false }, by);
const preset = (key: string, set: JsonObject, by: DeviceKey) => said('preset', docFromSource('maloca preset', key), { key, ...set }, by);
const vouch = (of: DeviceKey, by: DeviceKey, revoked = false) =>
  said('hub', docFromSource('maloca hub', of.id), { device: of.id, name: 'x', revoked }, by);
const keys = async () => (await device.categories()).map(({ set }) => set.key);

test('in their order; what a member wrote is none, and does not change one', async () => {
  const member = DeviceKey.generate();
  hub.admit(preset('fire', { order: 2, name: { es: 'Fuego' } }, hub.key));
  hub.admit(preset('logging', { order: 1 }, hub.key));
  hub.admit(preset('fire', { name: { es: 'Nada' } }, member));
  hub.admit(preset('gold', { order: 0 }, member));
  await device.join(hub.address, hub.code, 'Ana');
  expect(await keys()).toEqual(['logging', 'fire']);
  expect((await device.categories())[1]).toMatchObject({ set: { name: { es: 'Fuego' } }, state: 'whole' });
});

test('another hub counts once ours vouches for it, and no more where any hub has put it out', async () => {
  const [second, third, stranger] = [DeviceKey.generate(), DeviceKey.generate(), DeviceKey.generate()];
  hub.admit(preset('a', { order: 1 }, second));
  hub.admit(preset('b', { order: 2 }, third));
  hub.admit(preset('c', { order: 3 }, stranger));
  // A chain of trust, told in whatever order; the stranger vouches for itself.
  hub.admit(vouch(third, second));
  hub.admit(vouch(second, hub.key));
  hub.admit(vouch(stranger, stranger));
  await device.join(hub.address, hub.code, 'Ana');
  expect(await keys()).toEqual(['a', 'b']);
  hub.admit(vouch(third, hub.key, true));
  await device.sync(hub.key.id);
  expect(await keys()).toEqual(['a']);
});
