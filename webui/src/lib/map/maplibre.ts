/**
 * The one door to MapLibre's code, so that it is fetched when a map is first looked at. Its
 * worker is a file of this origin, for the hub's content policy allows no script made on the fly.
 */
import 'maplibre-gl/dist/maplibre-gl.css';
import { setWorkerUrl } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';

setWorkerUrl(new URL(workerUrl, location.href).href);

export { GeoJSONSource, Map as GlMap, VectorTileSource, addProtocol, removeProtocol } from 'maplibre-gl';
