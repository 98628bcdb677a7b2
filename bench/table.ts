/** What a benchmark found, and how it is printed. */

/** What was wished for: a bound on the ratio of ours to the reference, or on ours alone. */
export type Goal =
  | { readonly kind: 'at most'; readonly ratio: number }
  | { readonly kind: 'faster by'; readonly ratio: number }
  | { readonly kind: 'below'; readonly value: number }
  | { readonly kind: 'none' };

export interface Row {
  readonly measure: string;
  /** µs, ms, MB: of both numbers. */
  readonly unit: string;
  readonly ours: number | undefined;
  /** What ours is compared with, where it is. */
  readonly against?: string;
  readonly reference?: number | undefined;
  readonly goal: Goal;
  /** What could not be measured, and what is missing for it. */
  readonly missing?: string | undefined;
}

export interface Judged extends Row {
  /** Ours to the reference, or the reference to ours where the goal is to be faster. */
  readonly ratio: number | undefined;
  readonly ok: boolean | undefined;
}

export function judge(row: Row): Judged {
  const { ours, reference, goal } = row;
  const both = ours !== undefined && reference !== undefined;
  const ratio = both ? (goal.kind === 'faster by' ? reference / ours : ours / reference) : undefined;
  return { ...row, ratio, ok: isMet(goal, ours, ratio) };
}

function isMet(goal: Goal, ours: number | undefined, ratio: number | undefined): boolean | undefined {
  if (goal.kind === 'below') return ours === undefined ? undefined : ours <= goal.value;
  if (goal.kind === 'none' || ratio === undefined) return undefined;
  return goal.kind === 'at most' ? ratio <= goal.ratio : ratio >= goal.ratio;
}

const HEAD = ['measure', 'ours', 'reference', 'ratio', 'goal', 'ok?'];

export function printTable(rows: readonly Judged[]): string {
  const cells = [HEAD, ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map(row => [...(row[column] ?? '')].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const [head, ...body] = cells.map(line);
  return [head, widths.map(width => '-'.repeat(width)).join('  '), ...body].join('\n');
}

function cellsOf(row: Judged): string[] {
  const number = (value: number | undefined) => (value === undefined ? '-' : `${round(value)} ${row.unit}`);
  const reference = row.against === undefined ? '' : `${number(row.reference)} ${row.against}`;
  const ok = row.missing ?? (row.ok === undefined ? '' : row.ok ? 'ok' : 'NO');
  return [
    row.measure,
    number(row.ours),
    reference,
    row.ratio === undefined ? '' : `${row.ratio.toFixed(2)}x`,
    goalOf(row),
    ok,
  ];
}

function goalOf({ goal, unit }: Row): string {
  if (goal.kind === 'at most') return `<= ${goal.ratio}x`;
  if (goal.kind === 'faster by') return `>= ${goal.ratio}x faster`;
  return goal.kind === 'below' ? `<= ${goal.value} ${unit}` : '';
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
