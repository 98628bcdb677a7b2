/** Finding words in lines of text, whatever the ending: `decide` finds `decided`. */

const WORDS_MAX = 16;
const ENDINGS = ['ations', 'ation', 'ings', 'ing', 'ies', 'ions', 'ion', 'ers', 'ed', 'es', 'er', 's', 'e', 'y'];
const STEM_MIN = 4;

/** The words of a query, each once, in order. */
export function queryWords(query: string): string[] {
  const words = query.toLowerCase().match(/[\p{L}\p{N}](?:[\p{L}\p{N}'._-]*[\p{L}\p{N}])?/gu) ?? [];
  return [...new Set(words)].slice(0, WORDS_MAX);
}

/** `words` as `queryWords` gives them, so that the dot is all there is to escape. One pattern for each word: the word's stem at the beginning of a word. */
export function wordPatterns(words: readonly string[]): RegExp[] {
  return words.map(word => new RegExp(`(?<![\\p{L}\\p{N}])${stem(word).replaceAll('.', '\\.')}`, 'iu'));
}

export function countWords(text: string, patterns: readonly RegExp[]): number {
  return patterns.reduce((sum, pattern) => sum + (pattern.test(text) ? 1 : 0), 0);
}

function stem(word: string): string {
  for (const ending of ENDINGS) {
    if (word.endsWith(ending) && word.length - ending.length >= STEM_MIN) return word.slice(0, -ending.length);
  }
  return word;
}
