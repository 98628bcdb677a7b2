/** Full text over SQLite's FTS5. It can always be rebuilt from the files, so its commits are not waited for. */

import type { DatabaseSync } from 'node:sqlite';
import type { IndexState } from '../core/types.ts';
import { guarded, transaction } from './guard.ts';

/** Of one text; what is beyond is not found. */
const TEXT_CHARS_MAX = 256 * 1024;
/** Of one query. */
const WORDS_MAX = 32;
/** Words around a hit. */
const EXCERPT_WORDS = 24;

export function indexState(db: DatabaseSync): IndexState {
  const idOf = db.prepare('SELECT id FROM indexed WHERE path = ?');
  const name = db.prepare('INSERT INTO indexed (path) VALUES (?)');
  const unname = db.prepare('DELETE FROM indexed WHERE id = ?');
  const insert = db.prepare('INSERT INTO texts (rowid, body) VALUES (?, ?)');
  const replace = db.prepare('UPDATE texts SET body = ? WHERE rowid = ?');
  const erase = db.prepare('DELETE FROM texts WHERE rowid = ?');
  const find = db.prepare(
    `SELECT indexed.path AS path, snippet(texts, 0, '', '', '...', ${EXCERPT_WORDS}) AS excerpt
     FROM texts JOIN indexed ON indexed.id = texts.rowid WHERE texts MATCH ? ORDER BY texts.rank LIMIT ?`,
  );
  const count = db.prepare('SELECT count(*) AS n FROM indexed');

  const put = (path: string, text: string): void => {
    const body = text.slice(0, TEXT_CHARS_MAX);
    const known = idOf.get(path);
    if (known === undefined) insert.run(name.run(path).lastInsertRowid, body);
    else replace.run(body, Number(known.id));
  };

  const remove = (path: string): void => {
    const known = idOf.get(path);
    if (known === undefined) return;
    erase.run(Number(known.id));
    unname.run(Number(known.id));
  };

  const search: IndexState['search'] = (words, limit) => {
    const quoted = quote(words);
    if (quoted.length === 0) return [];
    const all = find.all(quoted.join(' AND '), limit);
    const rows = all.length > 0 || quoted.length === 1 ? all : find.all(quoted.join(' OR '), limit);
    return rows.map(row => ({ path: String(row.path), excerpt: String(row.excerpt).replaceAll(/\s+/g, ' ').trim() }));
  };

  return {
    put: (path, text) => guarded(() => transaction(db, () => put(path, text))),
    remove: path => guarded(() => transaction(db, () => remove(path))),
    search: (words, limit) => guarded(() => search(words, limit)),
    count: () => guarded(() => Number(count.get()?.n ?? 0)),
  };
}

/** The words of a query, each quoted: nothing a user types is FTS5 syntax. The tokenizer sees the same characters. */
function quote(words: string): string[] {
  const found = words.match(/[\p{L}\p{N}\p{M}\p{Co}]+/gu) ?? [];
  return found.slice(0, WORDS_MAX).map(word => `"${word}"`);
}
