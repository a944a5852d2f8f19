import type { PresetField, PresetSet } from '$lib/api/types';

/**
 * The set that a community can begin with: what those who watch over a territory in Amazonia write down most. Every part of it
 * can be changed afterwards; the keys are what stands in the observations.
 */

const said = (es: string, pt: string, en: string, fr: string) => ({ es, 'pt-BR': pt, en, fr });

const HOW_MANY: PresetField = { key: 'count', type: 'number', label: said('¿Cuántos?', 'Quantos?', 'How many?', 'Combien ?') };

const WHEN_MADE: PresetField = {
  key: 'freshness',
  type: 'one',
  label: said('¿Qué tan reciente es?', 'É recente?', 'How recent is it?', 'Est-ce récent ?'),
  options: [
    { value: 'active', label: said('Están ahora', 'Estão agora', 'They are there now', 'Ils y sont en ce moment') },
    { value: 'fresh', label: said('De estos días', 'Destes dias', 'From these days', 'De ces jours-ci') },
    { value: 'old', label: said('Antiguo', 'Antigo', 'Old', 'Ancien') },
  ],
};

const SPECIES: PresetField = { key: 'species', type: 'text', label: said('¿Cuál?', 'Qual?', 'Which one?', 'Lequel ?') };

const SIZE: PresetField = {
  key: 'hectares',
  type: 'number',
  label: said('¿Cuántas hectáreas, más o menos?', 'Quantos hectares, mais ou menos?', 'How many hectares, roughly?', 'Combien d’hectares, à peu près ?'),
};

const SIGN: PresetField = {
  key: 'sign',
  type: 'one',
  label: said('¿Qué viste?', 'O que você viu?', 'What did you see?', 'Qu’avez-vous vu ?'),
  options: [
    { value: 'animal', label: said('El animal', 'O animal', 'The animal', 'L’animal') },
    { value: 'track', label: said('Huella', 'Pegada', 'A track', 'Une trace') },
    { value: 'nest', label: said('Nido o madriguera', 'Ninho ou toca', 'A nest or den', 'Un nid ou un terrier') },
    { value: 'sound', label: said('Lo oí', 'Ouvi', 'I heard it', 'Je l’ai entendu') },
  ],
};

const RED = '#b3261e';
const ORANGE = '#a8541a';
const BROWN = '#6d4c2f';
const GREEN = '#2f6b3c';
const BLUE = '#1f5f99';
const VIOLET = '#6a3d8f';
const GREY = '#51585e';

const SETS: Omit<PresetSet, 'order'>[] = [
  { key: 'logging', icon: 'maki:logging', color: RED, name: said('Tala', 'Corte de madeira', 'Logging', 'Coupe de bois'), fields: [HOW_MANY, WHEN_MADE] },
  { key: 'clearing', icon: 'temaki:bulldozer', color: RED, name: said('Desmonte', 'Desmatamento', 'Clearing', 'Défrichement'), fields: [SIZE, WHEN_MADE] },
  { key: 'fire', icon: 'temaki:campfire', color: RED, name: said('Fuego', 'Fogo', 'Fire', 'Feu'), fields: [SIZE, WHEN_MADE] },
  { key: 'mining', icon: 'temaki:pick_hammer', color: RED, name: said('Minería', 'Garimpo', 'Mining', 'Extraction minière'), fields: [HOW_MANY, WHEN_MADE] },
  { key: 'pollution', icon: 'temaki:oil_well', color: RED, name: said('Derrame o contaminación', 'Derramamento ou poluição', 'Spill or pollution', 'Déversement ou pollution'), fields: [WHEN_MADE] },
  { key: 'strangers', icon: 'temaki:pedestrian', color: ORANGE, name: said('Personas ajenas', 'Pessoas de fora', 'Strangers', 'Inconnus'), fields: [{ ...HOW_MANY, required: true }] },
  { key: 'camp', icon: 'maki:campsite', color: ORANGE, name: said('Campamento ajeno', 'Acampamento de fora', 'A strangers’ camp', 'Campement d’inconnus'), fields: [WHEN_MADE] },
  { key: 'boat', icon: 'temaki:boat', color: ORANGE, name: said('Embarcación ajena', 'Barco de fora', 'A strangers’ boat', 'Bateau d’inconnus'), fields: [HOW_MANY] },
  { key: 'road', icon: 'temaki:milestone', color: ORANGE, name: said('Camino o trocha', 'Estrada ou picada', 'Road or trail', 'Route ou sentier'), fields: [WHEN_MADE] },
  { key: 'aircraft', icon: 'temaki:jetplane_front', color: ORANGE, name: said('Avioneta o pista', 'Avião ou pista', 'Aircraft or airstrip', 'Avion ou piste') },
  { key: 'hunting', icon: 'temaki:bow_and_arrow', color: BROWN, name: said('Caza', 'Caça', 'Hunting', 'Chasse'), fields: [SPECIES, HOW_MANY] },
  { key: 'fishing', icon: 'temaki:fish_cleaning', color: BROWN, name: said('Pesca', 'Pesca', 'Fishing', 'Pêche'), fields: [SPECIES, HOW_MANY] },
  { key: 'animal', icon: 'maki:veterinary', color: GREEN, name: said('Animal', 'Animal', 'Animal', 'Animal'), fields: [SPECIES, HOW_MANY, SIGN] },
  { key: 'plant', icon: 'temaki:plant', color: GREEN, name: said('Planta útil', 'Planta útil', 'Useful plant', 'Plante utile'), fields: [SPECIES] },
  { key: 'water', icon: 'maki:water', color: BLUE, name: said('Agua', 'Água', 'Water', 'Eau') },
  { key: 'farm', icon: 'maki:farm', color: BROWN, name: said('Chacra', 'Roça', 'Field', 'Champ'), fields: [SIZE] },
  { key: 'house', icon: 'maki:home', color: GREY, name: said('Casa o comunidad', 'Casa ou comunidade', 'House or community', 'Maison ou communauté') },
  { key: 'heritage', icon: 'maki:monument', color: VIOLET, name: said('Lugar sagrado o de historia', 'Lugar sagrado ou de história', 'Sacred or historic place', 'Lieu sacré ou historique') },
  { key: 'boundary', icon: 'temaki:benchmark_disk', color: VIOLET, name: said('Hito o lindero', 'Marco ou divisa', 'Boundary mark', 'Borne ou limite') },
  { key: 'other', icon: 'maki:marker', color: GREY, name: said('Otra cosa', 'Outra coisa', 'Something else', 'Autre chose') },
];

export const DEFAULTS: PresetSet[] = SETS.map((set, index) => ({ ...set, order: index + 1 }));
