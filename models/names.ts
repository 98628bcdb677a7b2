/** Names of models, as users write them and as the tree does. */

/** A model's name may hold slashes (`Qwen/Qwen3-8B`); in the tree it is one name, so those are escaped. */
export function toFileName(model: string): string {
  return model.replaceAll('%', '%25').replaceAll('/', '%2F');
}

export function fromFileName(name: string): string {
  return name.replaceAll('%2F', '/').replaceAll('%25', '%');
}

/** `provider/model` in its two parts; the model is undefined where there is no slash. */
export function splitName(name: string): { provider: string; model: string | undefined } {
  const slash = name.indexOf('/');
  return slash === -1
    ? { provider: name, model: undefined }
    : { provider: name.slice(0, slash), model: name.slice(slash + 1) };
}

/** The known name that takes the fewest edits to reach, or undefined where none is close enough to be meant. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.ceil(name.length / 2)) + 1;
  for (const candidate of known) {
    const edits = distance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
