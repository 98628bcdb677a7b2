/**
 * Whether text that is no JSON may become it, given the error that JSON.parse threw: what is wrong then lies at the very end. Of a
 * token that fits nowhere V8 does not say where it lies.
 */
export function isCutShort(thrown: unknown, text: string): boolean {
  const said = thrown instanceof Error ? thrown.message : '';
  const position = /at position (\d+)/.exec(said)?.[1];
  return position === undefined ? !said.startsWith('Unexpected token') : Number(position) >= text.trimEnd().length;
}
