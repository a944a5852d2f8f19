import type { ObservationFilter } from '$lib/api/client';
import type { Said } from '$lib/i18n/speaker';

/** What was asked of an export, as the hub tells it again: of an area only how many corners it has. */
export type AskedOfExport = ObservationFilter & { corners?: string };

interface Speech {
  /** What people call a device. */
  name: (id: string) => string | undefined;
  /** A moment as the reader writes it. */
  moment: (time: string) => string;
}

/** A filter in words: each thing that must be so. */
export function filterWords(asked: AskedOfExport, { name, moment }: Speech): Said[] {
  const said: Said[] = [];
  const { category, person, from, to, q, has = '', exported, bbox, within, corners } = asked;
  if (category === '') said.push({ id: 'export.part_no_category' });
  else if (category !== undefined) said.push({ id: 'export.part_category', values: { category } });
  if (person) said.push({ id: 'export.part_person', values: { name: name(person) ?? person.slice(0, 8) } });
  if (from) said.push({ id: 'export.part_from', values: { when: moment(from) } });
  if (to) said.push({ id: 'export.part_to', values: { when: moment(to) } });
  if (has.includes('media')) said.push({ id: 'export.part_media' });
  if (has.includes('conflict')) said.push({ id: 'export.part_conflict' });
  if (exported === 'no') said.push({ id: 'export.part_not_on_drive' });
  if (q) said.push({ id: 'export.part_text', values: { text: q } });
  if (bbox) said.push({ id: 'export.part_box' });
  const count = corners ? Number(corners) : within?.split(/[,;|]/).length;
  if (count) said.push({ id: 'export.part_area', count });
  return said;
}
