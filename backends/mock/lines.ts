/** The file of canned answers: one JSON object a line (see `index.ts` for what each field means). Read again when it changes. */

import { readFileSync, statSync } from 'node:fs';
import { AosError, asAosError, type Infer, schema } from '../../plugin-sdk/index.ts';

const COMPONENT = 'backends/mock';

const Line = schema(z => {
  const count = z.number().int().nonnegative();
  return z.strictObject({
    match: z.string().optional(),
    text: z.string().optional(),
    tool_calls: z
      .array(z.strictObject({ name: z.string().min(1), args: z.record(z.string(), z.unknown()).default({}) }))
      .optional(),
    delay_ms: count.optional(),
    usage: z
      .strictObject({
        input: count.optional(),
        output: count.optional(),
        cache_read: count.optional(),
        cache_write: count.optional(),
      })
      .optional(),
    error: z.strictObject({ status: z.number().int().min(400).max(599), message: z.string().default('') }).optional(),
    repeat: z.number().int().positive().optional(),
  });
});

export interface CannedLine extends Infer<typeof Line> {
  /** 1 for the first. */
  readonly number: number;
  readonly pattern: RegExp;
}

export class CannedFile {
  readonly file: string;
  private stamp = '';
  private lines: readonly CannedLine[] = [];
  private uses = new Map<number, number>();

  constructor(file: string) {
    this.file = file;
  }

  /** Throws `not_found` where the file is missing, `invalid` naming file and line where a line is malformed. */
  read(): readonly CannedLine[] {
    try {
      const { mtimeMs, size, ino } = statSync(this.file);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp === this.stamp) return this.lines;
      this.lines = parseLines(readFileSync(this.file, 'utf8'), this.file);
      this.stamp = stamp;
      this.uses = new Map();
      return this.lines;
    } catch (error) {
      this.stamp = '';
      if (error instanceof AosError) throw error;
      const said = asAosError(error, COMPONENT);
      const remedy = 'check backends.mock.file in the configuration, or the argument of --mock';
      throw new AosError(said.kind, { component: COMPONENT, why: `${this.file}: ${said.why}`, remedy });
    }
  }

  /** Whether `repeat` still allows the line. */
  isLeft(line: CannedLine): boolean {
    return line.repeat === undefined || (this.uses.get(line.number) ?? 0) < line.repeat;
  }

  use(line: CannedLine): void {
    this.uses.set(line.number, (this.uses.get(line.number) ?? 0) + 1);
  }
}

function parseLines(text: string, file: string): CannedLine[] {
  const lines: CannedLine[] = [];
  text.split('\n').forEach((source, index) => {
    if (source.trim() !== '') lines.push(parseLine(source, file, index + 1));
  });
  return lines;
}

function parseLine(source: string, file: string, number: number): CannedLine {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    throw malformed(file, number, `not a JSON object: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = Line().safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const key = issue?.path.join('.') ?? '';
    throw malformed(file, number, `${key === '' ? '' : `"${key}": `}${issue?.message ?? 'the wrong shape'}`);
  }
  try {
    return { ...parsed.data, number, pattern: new RegExp(parsed.data.match ?? '') };
  } catch (error) {
    throw malformed(file, number, `"match": ${error instanceof Error ? error.message : String(error)}`);
  }
}

function malformed(file: string, number: number, why: string): AosError {
  return new AosError('invalid', {
    component: COMPONENT,
    why: `${file} line ${number}: ${why}`,
    remedy: 'correct the line',
  });
}
