/**
 * The map itself: MapLibre, told what to show and telling what is seen. It is loaded when a map is first looked at.
 * `ObservationMap.svelte` owns one and destroys it.
 */
import type { GeoJSON } from 'geojson';
import type { MapGeoJSONFeature, PointLike } from 'maplibre-gl';
import { isBasemapSource, type Ground } from './basemap/ground';
import { graticuleLines, graticuleStep } from './graticule';
import { GeoJSONSource, GlMap, VectorTileSource, addProtocol, removeProtocol } from './maplibre';
import { drawMark } from './mark-image';
import { markOf, type Mark } from './marks';
import type { Palette } from './palette';
import { summarise, type Seen } from './seen';
import { OVERLAY, cornerAt, overlayLayers, type OverlayFeature } from './overlay';
import * as style from './style';
import type { TerritoryFeature } from './territory';
import { namesOf } from './territory-names';
import { TileKeeper } from './tile-keeper';
import { boxAround, boxOf, type Box, type View } from './view';
import { fetchWorld } from './world';

export interface MapEvents {
  /** An observation was chosen. */
  onpick: (doc: string) => void;
  /** So many stand at one place that zooming in does not part them. */
  ontogether: (count: number, box: Box) => void;
  /** The view moved. */
  onview: (view: View) => void;
  onpointer: (place: { lat: number; lon: number } | null) => void;
  /** What is seen, once the map has come to rest; `null` while the hub does not send what there is. */
  onseen: (seen: Seen | null) => void;
  /** Enter, and nothing is at the cross. */
  onnothing: () => void;
  /** A part of the basemap does not come. */
  onbasemapfailed: () => void;
  /** A press while somebody draws, and the double one that ends it. */
  oncorner: (corner: [lon: number, lat: number]) => void;
  onfinish: () => void;
}

/** A finger covers this much around the place that it means. */
const REACH_PX = 22;

/** Around what stands together even at the closest zoom. */
const TOGETHER_PX = 16;

/** Many changes within a second are one reload. */
const REFRESH_MS = 1000;
const RETRY_MS = 5000;

/** Closer than this, one lone observation would stand in empty land. */
const FIT = { padding: 24, maxZoom: 13 };

/** The Amazon, as long as there is no observation to go to. */
const NOWHERE = { center: [-65, -5] as [number, number], zoom: 3 };

/** Whoever prints waits so long for the map in the colours of paper. */
const DRAWN_MS = 5000;

let maps = 0;

export class MapView {
  readonly #map: GlMap;
  #palette: Palette;
  #tiles: string;
  #drawn = new Map<string, Mark>();
  /** What lies under everything, in the colours that are given. */
  #basemap: ((palette: Palette) => Ground) | null = null;
  #refreshing: ReturnType<typeof setTimeout> | undefined;
  #askingAgain: ReturnType<typeof setTimeout> | undefined;
  #gone = false;
  #overlay: OverlayFeature[] = [];
  /** A press is a corner, and chooses nothing. */
  #sketching = false;
  readonly #keeper = new TileKeeper();
  /** Tiles of this map go through its keeper: MapLibre asks for them by this scheme. */
  readonly #scheme = `observations-${(maps += 1)}`;

  constructor(
    container: HTMLElement,
    settings: { filter: Record<string, string>; palette: Palette; label: string; box: Box | null },
    private readonly events: MapEvents,
  ) {
    this.#palette = settings.palette;
    this.#tiles = this.#tilesOf(settings.filter);
    addProtocol(this.#scheme, async ({ url }, { signal }) => ({
      data: await this.#keeper.load(url.slice(`${this.#scheme}://`.length), signal),
    }));
    const map = new GlMap({
      container,
      style: style.mapStyle(settings.palette, this.#tiles),
      ...(settings.box ? { bounds: settings.box, fitBoundsOptions: FIT } : NOWHERE),
      maxZoom: style.CLOSEST_ZOOM,
      // North stays up and the land flat: the scale, the graticule and people's habits count on it.
      dragRotate: false,
      touchPitch: false,
      pitchWithRotate: false,
      rollEnabled: false,
      maxPitch: 0,
      // The page writes its own, as text; MapLibre would take a source's as markup.
      attributionControl: false,
      locale: { 'Map.Title': settings.label },
      fadeDuration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 150,
    });
    this.#map = map;
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.setMissingStyleImageResolver((id) => this.#drawSign(id));
    map.on('move', () => this.#moved());
    map.on('resize', () => this.#moved());
    map.on('moveend', () => this.#drawGraticule());
    map.on('idle', () => this.#rested());
    map.on('error', (event) => this.#failed(event.error as { status?: number }, (event as { sourceId?: string }).sourceId));
    map.on('click', ({ point, lngLat }) => {
      if (this.#sketching) events.oncorner(cornerAt(lngLat.lng, lngLat.lat));
      else this.#choose(point.x, point.y);
    });
    map.on('dblclick', () => this.#sketching && events.onfinish());
    map.on('styledata', () => this.#layOver());
    map.on('mousemove', ({ lngLat, point }) => {
      const { lat, lng } = lngLat.wrap();
      events.onpointer({ lat, lon: lng });
      map.getCanvas().style.cursor = this.#sketching ? 'crosshair' : this.#near(point.x, point.y) ? 'pointer' : '';
    });
    map.on('mouseout', () => events.onpointer(null));
    map.getCanvas().addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || this.#sketching) return;
      const { width, height } = this.view;
      if (!this.#choose(width / 2, height / 2)) events.onnothing();
    });
  }

  /** Resolves as soon as there is something to put things into. The outline of the world comes when it comes. */
  async start(): Promise<void> {
    const world = fetchWorld();
    await new Promise((resolve) => this.#map.once('style.load', resolve));
    this.#moved();
    this.#drawGraticule();
    world.then(
      ({ land, borders }) => {
        this.#put(style.LAND, land);
        this.#put(style.BORDERS, borders);
      },
      // The graticule and the observations are there without it.
      (cause: unknown) => console.error(cause),
    );
  }

  get canvas(): HTMLCanvasElement {
    return this.#map.getCanvas();
  }

  get view(): View {
    const { lat, lng } = this.#map.getCenter();
    const { clientWidth: width, clientHeight: height } = this.#map.getContainer();
    return { lat, lon: lng, zoom: this.#map.getZoom(), width, height };
  }

  setFilter(filter: Record<string, string>): void {
    const tiles = this.#tilesOf(filter);
    if (tiles === this.#tiles) return;
    this.#tiles = tiles;
    this.#map.getSource<VectorTileSource>(style.OBSERVATIONS)?.setTiles([tiles]);
  }

  /** Something changed on the hub. What is drawn stays until the new tiles are there. */
  refresh(): void {
    this.#refreshIn(REFRESH_MS);
  }

  setTerritories(features: TerritoryFeature[]): void {
    this.#put(style.TERRITORIES, { type: 'FeatureCollection', features });
    this.#put(style.TERRITORY_NAMES, namesOf(features));
  }

  /** Lays a basemap under everything but the outline of the world; `null` takes it away. */
  setBasemap(make: ((palette: Palette) => Ground) | null): void {
    if (make === this.#basemap) return;
    if (this.#basemap) this.#lift(this.#basemap(this.#palette));
    this.#basemap = make;
    if (make) this.#lay(make(this.#palette));
  }

  /** Shapes of the page, instead of those before. */
  setOverlay(features: OverlayFeature[]): void {
    this.#overlay = features;
    if (this.#map.getSource(OVERLAY)) this.#put(OVERLAY, { type: 'FeatureCollection', features });
    else this.#layOver();
  }

  setSketching(sketching: boolean): void {
    this.#sketching = sketching;
    const zooming = this.#map.doubleClickZoom;
    if (sketching) zooming.disable();
    else zooming.enable();
  }

  /** The observations and their clusters. */
  setSigns(shown: boolean): void {
    for (const layer of [style.CLUSTERS, style.COUNTS, style.SINGLES]) {
      if (this.#map.getLayer(layer)) this.#map.setLayoutProperty(layer, 'visibility', shown ? 'visible' : 'none');
    }
  }

  setPalette(palette: Palette): void {
    this.#palette = palette;
    const basemap = this.#basemap?.(palette).layers.filter(({ id }) => this.#map.getLayer(id)) ?? [];
    for (const layer of [...style.layersOf(palette), ...basemap, ...overlayLayers(palette)]) {
      if (!this.#map.getLayer(layer.id)) continue;
      for (const [name, value] of Object.entries(layer.paint ?? {})) {
        this.#map.setPaintProperty(layer.id, name as 'fill-color', value);
      }
    }
    for (const [id, mark] of this.#drawn) this.#map.updateImage(id, drawMark(mark, palette, pixelRatio()));
  }

  /** The same, and waits until it is drawn; a map whose tiles do not come is as good as it gets. */
  async changeTo(palette: Palette): Promise<void> {
    this.setPalette(palette);
    const drawn = new Promise<void>((done) => void this.#map.once('idle', () => done()));
    this.#map.triggerRepaint();
    await Promise.race([drawn, new Promise((done) => setTimeout(done, DRAWN_MS))]);
  }

  zoomBy(steps: number): void {
    this.#map.easeTo({ zoom: this.#map.getZoom() + steps });
  }

  goTo(box: Box): void {
    this.#map.fitBounds(box, FIT);
  }

  /** Its picture as it is now, for paper. At once: nobody waits before printing. */
  drawInto(canvas: HTMLCanvasElement): void {
    this.#map.redraw();
    const { width, height } = this.canvas;
    Object.assign(canvas, { width, height });
    canvas.getContext('2d')?.drawImage(this.canvas, 0, 0);
  }

  destroy(): void {
    this.#gone = true;
    clearTimeout(this.#refreshing);
    clearTimeout(this.#askingAgain);
    this.#map.remove();
    removeProtocol(this.#scheme);
  }

  #lay({ sources, layers, sprites }: Ground): void {
    for (const { id, url } of sprites) this.#map.addSprite(id, url);
    for (const [id, source] of Object.entries(sources)) this.#map.addSource(id, source);
    // Of a style that a map brings a layer may be wrong; MapLibre tells of it, and draws the others.
    for (const layer of layers) this.#map.addLayer(layer, style.GRATICULE);
  }

  #lift({ sources, layers, sprites }: Ground): void {
    for (const { id } of layers) if (this.#map.getLayer(id)) this.#map.removeLayer(id);
    for (const id of Object.keys(sources)) if (this.#map.getSource(id)) this.#map.removeSource(id);
    const known = new Set(this.#map.getSprite().map(({ id }) => id));
    for (const { id } of sprites) if (known.has(id)) this.#map.removeSprite(id);
  }

  #failed(error: { status?: number }, source = ''): void {
    console.error(error);
    if (!isBasemapSource(source)) return;
    this.events.onbasemapfailed();
    // What is damaged stays so; a hub that was away comes back.
    if (error.status !== undefined && error.status > 0 && error.status < 500) return;
    this.#askingAgain ??= setTimeout(() => {
      this.#askingAgain = undefined;
      if (this.#map.getSource(source)) this.#map.refreshTiles(source);
    }, RETRY_MS);
  }

  #tilesOf(filter: Record<string, string>): string {
    return `${this.#scheme}://${style.tilesPath(filter)}`;
  }

  #see(): Seen {
    // By their numbers: MapLibre draws the text of a cluster once, but its circle again in each tile that it touches.
    return summarise(this.#map.queryRenderedFeatures({ layers: [style.COUNTS, style.SINGLES] }));
  }

  /** The nearest sign within a finger's reach. */
  #near(x: number, y: number): MapGeoJSONFeature | null {
    const field: [PointLike, PointLike] = [[x - REACH_PX, y - REACH_PX], [x + REACH_PX, y + REACH_PX]];
    let nearest: MapGeoJSONFeature | null = null;
    let least = Infinity;
    for (const feature of this.#map.queryRenderedFeatures(field, { layers: [style.CLUSTERS, style.SINGLES] })) {
      if (feature.geometry.type !== 'Point') continue;
      const { x: atX, y: atY } = this.#map.project(feature.geometry.coordinates as [number, number]);
      const distance = Math.hypot(atX - x, atY - y);
      if (distance < least) [nearest, least] = [feature, distance];
    }
    return nearest;
  }

  #choose(x: number, y: number): boolean {
    const feature = this.#near(x, y);
    if (feature?.geometry.type !== 'Point') return false;
    const count = Number(feature.properties.count) || 1;
    const [lon = 0, lat = 0] = feature.geometry.coordinates;
    if (count === 1) {
      this.events.onpick(String(feature.properties.doc));
      return true;
    }
    const zoom = this.#map.getZoom();
    if (zoom > style.CLOSEST_ZOOM - 0.5) {
      const box = boxAround([{ lat, lon, count }], zoom, TOGETHER_PX);
      if (box) this.events.ontogether(count, box);
    } else {
        this.#map.easeTo({ center: [lon, lat], zoom: Math.min(zoom + 2, style.CLOSEST_ZOOM) });
    }
    return true;
  }

  #drawSign(id: string): void {
    const mark = markOf(id);
    if (!mark || this.#map.hasImage(id)) return;
    this.#drawn.set(id, mark);
    this.#map.addImage(id, drawMark(mark, this.#palette, pixelRatio()), { pixelRatio: pixelRatio() });
  }

  #moved(): void {
    this.events.onview(this.view);
  }

  #drawGraticule(): void {
    // Twice as far as the view, so that dragging finds lines already there.
    const view = this.view;
    const box = boxOf({ ...view, width: view.width * 2, height: view.height * 2 });
    this.#put(style.GRATICULE, graticuleLines(box, graticuleStep(view.zoom)));
  }

  /** Puts the shapes in, also when another style has taken them out. */
  #layOver(): void {
    if (this.#gone || !this.#overlay.length || this.#map.getSource(OVERLAY) || !this.#map.getLayer(style.CLUSTERS)) return;
    this.#map.addSource(OVERLAY, { type: 'geojson', data: { type: 'FeatureCollection', features: this.#overlay } });
    for (const layer of overlayLayers(this.#palette)) this.#map.addLayer(layer, style.CLUSTERS);
  }

  #put(source: string, data: GeoJSON): void {
    // What was fetched for a map may come when nobody looks at it any longer.
    if (this.#gone) return;
    this.#map.getSource<GeoJSONSource>(source)?.setData(data);
  }

  #rested(): void {
    const { failed } = this.#keeper;
    this.#keeper.failed = false;
    if (failed) this.#refreshIn(RETRY_MS);
    // What is not known for sure is not counted.
    this.events.onseen(failed ? null : this.#see());
  }

  #refreshIn(delay: number): void {
    this.#refreshing ??= setTimeout(() => {
      this.#refreshing = undefined;
      this.#map.refreshTiles(style.OBSERVATIONS);
    }, delay);
  }
}

/** A sharp sign costs memory; beyond this nobody sees the difference. */
const pixelRatio = () => Math.min(3, Math.ceil(devicePixelRatio));
