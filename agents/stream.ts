/**
 * What an agent says now, under a name that stays. Whoever opens it finds the current answer. Whoever has it open from an
 * earlier one and reads on past its end goes on with the next, and whoever goes back to the start finds the current one.
 */

import { LogBuffer, type LogSource, type Millis } from '../plugin-sdk/index.ts';

interface Answer {
  readonly text: LogBuffer;
  next?: Answer;
}

export class Stream {
  private readonly now: () => Millis;
  private readonly watchers = new Set<() => void>();
  private current: Answer;

  constructor(now: () => Millis) {
    this.now = now;
    this.current = { text: new LogBuffer(now) };
  }

  get size(): number {
    return this.current.text.size;
  }

  /** Begins a new answer. */
  begin(): void {
    this.current.text.end();
    const next: Answer = { text: new LogBuffer(this.now) };
    this.current.next = next;
    this.current = next;
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
    return new Reader(() => this.current, this.watchers);
  }

  private wake(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}

class Reader implements LogSource {
  private readonly current: () => Answer;
  private readonly watchers: Set<() => void>;
  private answer: Answer;
  /** The reader's offset at which the answer begins. */
  private base = 0;

  constructor(current: () => Answer, watchers: Set<() => void>) {
    this.current = current;
    this.watchers = watchers;
    this.answer = current();
  }

  get size(): number {
    let size = this.base;
    for (let at: Answer | undefined = this.answer; at !== undefined; at = at.next) size += at.text.size;
    return size;
  }

  get ended(): boolean {
    return this.current().text.ended;
  }

  get mtime(): Millis {
    return this.current().text.mtime;
  }

  read(offset: number, length: number): Uint8Array {
    if (offset === 0) {
      this.answer = this.current();
      this.base = 0;
    }
    while (this.answer.next !== undefined && offset >= this.base + this.answer.text.size) {
      this.base += this.answer.text.size;
      this.answer = this.answer.next;
    }
    return this.answer.text.read(Math.max(0, offset - this.base), length);
  }

  watch(wake: () => void): () => void {
    this.watchers.add(wake);
    return () => this.watchers.delete(wake);
  }
}
