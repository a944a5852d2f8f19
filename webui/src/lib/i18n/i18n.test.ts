import { afterEach, expect, it, vi } from 'vitest';
import { i18n, t } from './i18n.svelte';

afterEach(() => vi.unstubAllGlobals());

it("a community's language is asked for once, whatever is shown after", async () => {
  vi.stubGlobal('document', { documentElement: {} });
  vi.stubGlobal('navigator', { languages: ['qu'] });
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path);
    const answers: Record<string, unknown> = {
      '/api/v1/languages': { languages: [{ code: 'qu', name: 'Runasimi' }] },
      '/api/v1/languages/qu.json': { 'app.loading': 'Suyachkan', 'edit.delete': 'Chinkachiy' },
    };
    return Response.json(answers[path]);
  });
  await i18n.start();
  expect(asked).toEqual([]);
  await i18n.addFromHub();
  expect([t('app.loading'), i18n.speaker.language]).toEqual(['Suyachkan', 'qu']);
  expect(await i18n.rooms(Promise.resolve('shown'))).toBe('shown');
  await i18n.use('es');
  await i18n.use('qu');
  // What a room says is in the same file; what it lacks is said in Spanish.
  expect([t('edit.delete'), t('edit.choose')]).toEqual(['Chinkachiy', expect.stringMatching(/\w/)]);
  expect(asked).toEqual(['/api/v1/languages', '/api/v1/languages/qu.json']);
});
