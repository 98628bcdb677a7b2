/**
 * What an agent says now, under a name that stays. Whoever opens it finds the current answer. Whoever has it open from an
 * earlier one and reads on past its end goes on with the next, and whoever goes back to the start finds the current one. Of a
 * reader who is far behind the answers between are not kept: a line says how many.
 */

import { LogBuffer, type LogSource, type Millis } from '../plugin-sdk/index.ts';

/** Answers kept for readers that are behind: the current one and those just before it. */
const KEPT = 4;

interface Answer {
  /** Counts up from one answer to the next. */
  readonly number: number;
  readonly text: LogBuffer;
}

export class Stream {
  private readonly now: () => Millis;
  private readonly watchers = new Set<() => void>();
  private current: Answer;
  /** Oldest first, the current one last. */
  private readonly kept: Answer[];

  constructor(now: () => Millis) {
    this.now = now;
    this.current = { number: 0, text: new LogBuffer(now) };
    this.kept = [this.current];
  }

  get size(): number {
    return this.current.text.size;
  }

  /** Begins a new answer. */
  begin(): void {
    this.current.text.end();
    this.current = { number: this.current.number + 1, text: new LogBuffer(this.now) };
    this.kept.push(this.current);
    if (this.kept.length > KEPT) this.kept.shift();
    this.wake();
  }

  append(text: string): void {
    this.current.text.append(text);
    this.wake();
  }

  end(): void {
    this.current.text.end();
    this.wake();
  }

  /** For one reader, who begins with the current answer. Its offsets count on from answer to answer. */
  reader(): LogSource {
    return new Reader(this.kept, this.watchers, this.now);
  }

  private wake(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}

class Reader implements LogSource {
  private readonly kept: readonly Answer[];
  private readonly watchers: Set<() => void>;
  private readonly now: () => Millis;
  /** What it reads now: an answer, or the line that stands for those that are not kept. */
  private at: Answer;
  /** The reader's offset at which that begins. */
  private base = 0;

  constructor(kept: readonly Answer[], watchers: Set<() => void>, now: () => Millis) {
    this.kept = kept;
    this.watchers = watchers;
    this.now = now;
    this.at = this.current;
  }

  get size(): number {
    let size = this.base + this.at.text.size;
    for (let next = this.after(this.at); next !== undefined; next = this.after(next)) size += next.text.size;
    return size;
  }

  get ended(): boolean {
    return this.current.text.ended;
  }

  get mtime(): Millis {
    return this.current.text.mtime;
  }

  read(offset: number, length: number): Uint8Array {
    if (offset === 0) {
      this.at = this.current;
      this.base = 0;
    }
    let next = this.after(this.at);
    while (next !== undefined && offset >= this.base + this.at.text.size) {
      this.base += this.at.text.size;
      this.at = next;
      next = this.after(next);
    }
    return this.at.text.read(Math.max(0, offset - this.base), length);
  }

  watch(wake: () => void): () => void {
    this.watchers.add(wake);
    return () => this.watchers.delete(wake);
  }

  private get current(): Answer {
    return this.kept.at(-1) ?? this.at;
  }

  /** What follows: the next answer, or where that is not kept any more a line in place of all that are not. */
  private after({ number }: Answer): Answer | undefined {
    const next = this.kept.find(answer => answer.number > number);
    if (next === undefined || next.number === number + 1) return next;
    const missing = next.number - number - 1;
    const text = new LogBuffer(this.now);
    text.append(`[${missing} ${missing === 1 ? 'answer' : 'answers'} left out here: see /aos/conversations]\n`);
    text.end();
    return { number: next.number - 1, text };
  }
}
