/** The words of a question that are worth looking for. */

const KEYWORDS_MAX = 8;

const STOP_WORDS = new Set(
  `a about above after again against all also am an and any anybody anyone anything are aren't as ask at be because been
  before being below between both but by can can't cannot could couldn't did didn't do does doesn't doing don't done down
  during each ever every everything explain few find for from further get give go got had hadn't has hasn't have haven't
  having he hello help her here hers hey hi him his how i i'd i'll i'm i've if in into is isn't it it's its itself just know
  let let's like list look made make many may me might more most much must my myself need no nor not now of off on once only
  or other our ours out over own please quick quote really said same say says search see shall she should show so some
  somebody someone something still such summarise summarize summary tell than thank thanks that that's the their theirs
  them then there there's these they thing things think this those through to too under until up us use used using very want
  was wasn't way we we'll we're we've well were weren't what what's when where where's which while who who's whom whose why
  will with without won't word words would write yes yet you you'd you'll you're your yours`.split(/\s+/),
);

/** At most eight, in the order of the text; where there are more, those said most often. */
export function keywords(text: string): string[] {
  const counts = new Map<string, number>();
  for (const [raw] of text.toLowerCase().matchAll(/[\p{L}\p{N}](?:[\p{L}\p{N}'’._-]*[\p{L}\p{N}])?/gu)) {
    const word = raw.replaceAll('’', "'").replace(/'s$/, '');
    if (STOP_WORDS.has(word) || (word.length < 2 && !/\d/.test(word))) continue;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const all = [...counts.keys()];
  if (all.length <= KEYWORDS_MAX) return all;
  const most = new Set([...all].sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0)).slice(0, KEYWORDS_MAX));
  return all.filter(word => most.has(word));
}

/** How many of the words a line holds, whatever their ending: `decide` finds `decided`. */
export function score(line: string, words: readonly string[]): number {
  const held = ` ${line.toLowerCase().replace(/[^\p{L}\p{N}._-]+/gu, ' ')}`;
  return words.reduce((sum, word) => sum + (held.includes(` ${stem(word)}`) ? 1 : 0), 0);
}

/** Rough on purpose: it only has to make the forms of one word meet. */
function stem(word: string): string {
  for (const ending of [
    'ations',
    'ation',
    'ings',
    'ing',
    'ies',
    'ions',
    'ion',
    'ers',
    'ed',
    'es',
    'er',
    's',
    'e',
    'y',
  ]) {
    if (word.endsWith(ending) && word.length - ending.length >= 4) return word.slice(0, -ending.length);
  }
  return word;
}
