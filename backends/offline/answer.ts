/** The text of an offline answer: what it is, then the lines that were found, each with where it stands. */

import { keywords, score } from './keywords.ts';
import { type Hit, hitsOf, type Step, type Steps } from './steps.ts';

const QUOTES_MAX = 6;
const QUOTES_PER_FILE_MAX = 3;
const QUOTE_CHARS_MAX = 300;

const NO_MODEL = 'No language model is involved in this answer';
const FOUND = 'Found for';
const NOTHING = 'Nothing was found for';

/** Lines of transcripts that only tell what was looked for: the tool calls, and earlier answers of this backend. */
const ABOUT_SEARCHING = new RegExp(`^(call \`|${FOUND} "|${NOTHING} "|${NO_MODEL})`);

const HOW =
  `${NO_MODEL}: it quotes what this tree already holds; to have one answer, set OPENAI_API_KEY, or point ` +
  'backends.openai.base_url at any OpenAI-compatible server, and restart the daemon.';

const FILL = 'Memory is filled by writing files: echo "..." > /aos/memory/notes.md';

interface Quote {
  readonly path: string;
  readonly line: number | null;
  readonly text: string;
  readonly score: number;
}

export function answerText(steps: Steps, canSearch: boolean): string {
  const words = keywords(steps.question);
  const search = steps.done.find(step => step.call.name === 'search');
  if (!canSearch)
    return `${HOW}\n\nThis agent has no search tool, so nothing could be looked up. Add "search" to its tools.`;
  if (words.length === 0)
    return `${HOW}\n\nThe message has no word to look for. Name the thing you want to find. ${FILL}`;
  if (search !== undefined && !search.ok) return `${HOW}\n\nThe search failed: ${search.text}`;
  const quotes = bestQuotes(steps, hitsOf(search), words);
  const looked = words.map(word => `"${word}"`).join(', ');
  if (quotes.length === 0) {
    return `${HOW}\n\n${NOTHING} ${looked} in memory or in past conversations. ${FILL}`;
  }
  const cited = quotes.map(({ path, line, text }) => `> ${text}\n${path}${line === null ? '' : `:${line}`}`);
  return `${HOW}\n\n${FOUND} ${looked}:\n\n${cited.join('\n\n')}`;
}

/** The lines that hold the most words, best first; memory before conversations where they are equal. */
function bestQuotes(steps: Steps, hits: readonly Hit[], words: readonly string[]): Quote[] {
  const reads = steps.done.filter(step => step.call.name === 'read' && step.ok);
  const read = new Set(reads.map(step => step.call.args.path));
  const found = [
    ...reads.flatMap(step => linesOf(step)),
    ...hits.filter(hit => !read.has(hit.path)).map(({ path, line, excerpt }) => ({ path, line, text: excerpt })),
  ].map(quote => ({ ...quote, text: bare(quote.text), score: score(quote.text, words) }));
  const question = bare(steps.question);
  const ranked = found
    .filter(quote => quote.score > 0 && quote.text !== question && !ABOUT_SEARCHING.test(quote.text))
    .sort((a, b) => b.score - a.score || rank(a.path) - rank(b.path));
  const best = ranked[0]?.score ?? 0;
  return distinct(ranked.filter(quote => quote.score * 2 >= best));
}

function distinct(ranked: readonly Quote[]): Quote[] {
  const seen = new Set<string>();
  const perFile = new Map<string, number>();
  const kept: Quote[] = [];
  for (const quote of ranked) {
    const already = perFile.get(quote.path) ?? 0;
    if (seen.has(quote.text) || already === QUOTES_PER_FILE_MAX) continue;
    seen.add(quote.text);
    perFile.set(quote.path, already + 1);
    kept.push(quote);
    if (kept.length === QUOTES_MAX) break;
  }
  return kept;
}

/** The lines of a `read` result, numbered from where it began. */
function linesOf(step: Step): { path: string; line: number; text: string }[] {
  const path = String(step.call.args.path);
  const first = typeof step.call.args.offset === 'number' ? step.call.args.offset : 1;
  return step.text.split('\n').map((text, index) => ({ path, line: first + index, text }));
}

/** Without marks of quotation, lists and headings, and short enough to quote. */
function bare(text: string): string {
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/^[\s>#*-]+/, '')
    .trim();
  return line.length > QUOTE_CHARS_MAX ? `${line.slice(0, QUOTE_CHARS_MAX)}...` : line;
}

function rank(path: string): number {
  return path.startsWith('/aos/memory/') ? 0 : 1;
}
