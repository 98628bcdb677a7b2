/** Which paths the service has, as far as it was last heard: of the last 10,000. */

const PATHS_MAX = 10_000;

export class Presence {
  private readonly known = new Map<string, boolean>();

  /** Undefined where nobody has asked. */
  of(rest: string): boolean | undefined {
    return this.known.get(rest);
  }

  learn(rest: string, there: boolean): void {
    this.known.delete(rest);
    this.known.set(rest, there);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= PATHS_MAX) break;
      this.known.delete(oldest);
    }
  }

  forget(rest: string): void {
    this.known.delete(rest);
  }
}
