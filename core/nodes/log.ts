/** An open log: grows under the reader; a read at the end gives nothing, and `poll` wakes when there is more. */

import type { Handle, LogNode, Path } from '../types.ts';
import { type Again, BaseHandle } from './handle.ts';

export function openLog(node: LogNode, path: Path, again: Again): Handle {
  return new LogHandle(path, again, node);
}

class LogHandle extends BaseHandle {
  readonly kind = 'log';
  private readonly source: LogNode['source'];
  private unwatch: (() => void) | undefined;

  constructor(path: Path, again: Again, node: LogNode) {
    super(path, again);
    this.source = node.source;
  }

  override get ended(): boolean {
    return this.source.ended;
  }

  override read(offset: number, length: number): Uint8Array {
    this.again.check('read');
    return this.source.read(offset, length);
  }

  override poll(offset: number, wake?: () => void): boolean {
    if (this.source.size > offset || this.source.ended) return true;
    if (wake !== undefined) {
      this.unwatch?.();
      this.unwatch = this.source.watch(() => {
        this.unwatch?.();
        this.unwatch = undefined;
        wake();
      });
    }
    return false;
  }

  override close(): void {
    this.unwatch?.();
    this.unwatch = undefined;
  }
}
