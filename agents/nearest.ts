/** The name somebody may have meant. */

/** The closest of `names` within a third of the length typed, at least one slip; undefined where none is close. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const within = Math.max(1, Math.floor(typed.length / 3));
  let best: string | undefined;
  let least = within + 1;
  for (const name of names) {
    const slips = distance(typed.toLowerCase(), name.toLowerCase());
    if (slips < least) {
      best = name;
      least = slips;
    }
  }
  return best;
}

/** Levenshtein: insertions, deletions and replacements. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
