import { describe, expect, it } from 'vitest';
import { Problem } from '$lib/api/problem';
import type { Basemap, MapCopy } from '$lib/api/types';
import { Basemaps, type MapHub } from './basemaps.svelte';

const map = (id: string): Basemap => ({ id, name: id, bytes: 10, trouble: null });
const copy = (fields: Partial<MapCopy> = {}): MapCopy => ({
  name: 'rio.pmtiles',
  state: 'copying',
  bytes: 0,
  bytes_total: 10,
  map: null,
  trouble: null,
  ...fields,
});

/** A hub whose copies end when the test says so. */
class Shelf implements MapHub {
  copy: MapCopy | null = null;
  refusal: Problem | null = null;

  constructor(public maps: Basemap[]) {}

  basemaps = async () => ({ basemaps: this.maps });
  basemapStyle = async () => ({ version: 8, sources: {}, layers: [] });
  foundBasemaps = async () => ({ maps: [], complete: true });
  basemapCopy = async () => ({ copy: this.copy });

  stopBasemapCopy = async () => {
    this.copy = copy({ state: 'cancelled' });
  };

  removeBasemap = async (id: string) => {
    this.maps = this.maps.filter((one) => one.id !== id);
  };

  copyBasemap = async () => {
    if (this.refusal) throw this.refusal;
    return (this.copy = copy());
  };

  sendBasemap = async () => {
    if (this.refusal) throw this.refusal;
    return map('new');
  };

  arrive(id: string): void {
    this.maps = [...this.maps, map(id)];
    this.copy = copy({ state: 'done', bytes: 10, map: id });
  }
}

const until = async (isSo: () => boolean) => {
  for (let tries = 0; !isSo(); tries += 1) {
    expect(tries).toBeLessThan(500);
    await new Promise((done) => setTimeout(done, 2));
  }
};

const problem = (code: string) => new Problem({ code, status: 507, detail: '', retry: false });

describe('copying a map', () => {
  it('is followed to its end, and then the map is shown', async () => {
    const hub = new Shelf([map('old')]);
    const basemaps = new Basemaps(hub, 2);
    await basemaps.load();
    expect(basemaps.chosen?.id).toBe('old');
    await basemaps.copyFrom('/media/usb/rio.pmtiles');
    hub.copy = copy({ bytes: 5 });
    await until(() => basemaps.copy?.bytes === 5);
    hub.arrive('new');
    await until(() => basemaps.chosen?.id === 'new');
    expect(basemaps.maps?.length).toBe(2);
    basemaps.close();
  });

  it('that ended before somebody looked chooses nothing', async () => {
    const hub = new Shelf([map('old')]);
    hub.arrive('new');
    const basemaps = new Basemaps(hub, 2);
    await basemaps.load();
    await basemaps.look();
    expect([basemaps.copy?.state, basemaps.chosen?.id]).toEqual(['done', 'old']);
  });

  it('that is refused says why', async () => {
    const hub = new Shelf([]);
    hub.refusal = problem('map_missing');
    const basemaps = new Basemaps(hub, 2);
    await basemaps.copyFrom('/media/usb/gone.smp');
    expect(basemaps.problem?.code).toBe('map_missing');
    expect(basemaps.busy).toBe(false);
  });

  it('ends with its page', async () => {
    const hub = new Shelf([]);
    const basemaps = new Basemaps(hub, 2);
    await basemaps.copyFrom('/x.smp');
    basemaps.close();
    hub.arrive('new');
    await new Promise((done) => setTimeout(done, 20));
    expect(basemaps.copy?.state).toBe('copying');
  });
});

describe('sending a map', () => {
  const file = new File(['0123456789'], 'rio.pmtiles');

  it('tells what the hub noted, where its answer did not get through', async () => {
    const hub = new Shelf([]);
    hub.refusal = Problem.unreachable();
    hub.copy = copy({ state: 'failed', trouble: { code: 'disk_full', detail: 'No room.' } });
    const basemaps = new Basemaps(hub, 1000);
    await basemaps.send(file);
    expect(basemaps.copy?.trouble?.code).toBe('disk_full');
    expect(basemaps.problem).toBeNull();
    basemaps.close();
  });

  it('says itself what the hub knows nothing of', async () => {
    const hub = new Shelf([]);
    hub.refusal = Problem.unreachable();
    const basemaps = new Basemaps(hub, 1000);
    await basemaps.send(file);
    expect(basemaps.problem?.code).toBe('unreachable');
    expect(basemaps.copy).toBeNull();
    basemaps.close();
  });

  it('is not taken for ended by what the hub still tells of the map before', async () => {
    const hub = new Shelf([]);
    hub.arrive('old');
    let end = () => {};
    const sent = new Promise<void>((done) => (end = done));
    hub.sendBasemap = async () => {
      await sent;
      hub.arrive('new');
      return map('new');
    };
    const basemaps = new Basemaps(hub, 1);
    const sending = basemaps.send(file);
    await new Promise((done) => setTimeout(done, 20));
    expect(basemaps.copy?.state).toBe('copying');
    end();
    await sending;
    await until(() => basemaps.chosen?.id === 'new');
    basemaps.close();
  });

  it('shows the map at once', async () => {
    const hub = new Shelf([]);
    hub.arrive('new');
    const basemaps = new Basemaps(hub, 1000);
    await basemaps.send(file);
    await until(() => basemaps.chosen?.id === 'new');
    basemaps.close();
  });
});

it('a map that is removed is no longer shown', async () => {
  const hub = new Shelf([map('one'), map('two')]);
  const basemaps = new Basemaps(hub, 2);
  await basemaps.load();
  await basemaps.remove(map('one'));
  expect(basemaps.chosen?.id).toBe('two');
});

describe('another tab', () => {
  it('learns of a map that came and of one that went', async () => {
    const shelf = new Shelf([]);
    const [here, there] = [new Basemaps(shelf, 1), new Basemaps(shelf, 1)];
    await there.load();
    expect(there.chosen).toBeNull();
    await here.copyFrom('/drive/rio.pmtiles');
    shelf.arrive('rio');
    await until(() => there.chosen?.id === 'rio');
    await here.remove(map('rio'));
    await until(() => there.maps?.length === 0);
    there.close();
    here.close();
  });

  it('keeps what it has while the hub does not answer', async () => {
    const shelf = new Shelf([map('rio')]);
    const there = new Basemaps(shelf, 1);
    await there.load();
    shelf.basemaps = () => Promise.reject(problem('unreachable'));
    await there.refresh();
    expect(there.maps).toHaveLength(1);
    expect(there.problem).toBeNull();
    there.close();
  });
});
