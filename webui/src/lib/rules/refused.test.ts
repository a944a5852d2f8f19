import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { REFUSALS } from '$lib/device/record/refusal';
import { load } from '$lib/i18n/messages';
import { wordsOf } from './refused';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../../../${path}`, import.meta.url)), 'utf8');
const codes = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, code]) => code ?? '');

/** What the rules of a revision refuse. */
const ofRevisions = codes(read('protocol/src/problem.rs'), /^ {4}\w+ => "(\w+)", "/gm);

/** Where the hub takes records and files in. */
const DOORS = ['revisions.rs', 'body.rs', 'state.rs', 'media/mod.rs', 'media/tus.rs', 'error.rs'];
/** What a phone takes for "not this one, now or ever"; the rest is tried again. `wire/call-error.ts` says so, too. */
const FINAL = /StatusCode::(?:BAD_REQUEST|CONFLICT|PAYLOAD_TOO_LARGE|UNSUPPORTED_MEDIA_TYPE|UNPROCESSABLE_ENTITY),\s*"(\w+)"/g;
const ofCalls = DOORS.flatMap((file) => codes(read(`hub/src/api/${file}`), FINAL));

/** What the phone itself finds wrong with a file. */
const ofFiles = codes(read('webui/src/lib/device/wire/tus.ts'), /^ {2}code: '(\w+)'/gm);

// What broke off on its way is sent again, and never said.
const met = [...new Set([...ofRevisions, ...ofCalls, ...ofFiles, 'document_quota', 'refused'])].filter((code) => code !== 'broken_off');

describe('the reasons why something is refused', () => {
  it('are read from where they are made', () => {
    expect(ofRevisions.toSorted()).toEqual(Object.keys(REFUSALS).toSorted());
    expect(ofCalls).toEqual(expect.arrayContaining(['batch_too_big', 'wrong_hash', 'media_too_big', 'upload_too_long', 'bad_request']));
    expect(ofFiles).toEqual(['file_changed']);
    expect(read('hub/src/intake/keep.rs')).toContain('QUOTA: &str = "document_quota"');
  });

  it.each(met)('%s has words in each language', async (code) => {
    const id = wordsOf(code);
    expect(id).not.toBeNull();
    for (const language of ['es', 'pt-BR', 'en', 'fr']) expect((await load(language, 'phone'))[id ?? '']).toBeTruthy();
  });

  it('of a newer hub are left to its own words', () => expect(wordsOf('of_another_day')).toBeNull());
});
