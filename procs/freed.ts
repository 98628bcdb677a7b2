/** Runs that wait until money which others hold comes back. The one that has waited longest is woken first. */

export class Freed {
  private readonly waiting = new Set<() => void>();

  /** Resolves when money was settled and it is this waiter's turn; after `ms` at the latest. */
  next(ms: number): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.waiting.add(wake);
    });
  }

  /** Some money has come back. */
  tell(): void {
    const [first] = this.waiting;
    first?.();
  }
}
