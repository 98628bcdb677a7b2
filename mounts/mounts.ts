/** The mounts there are: made, shown, taken away, and made again after a restart. */

import {
  AosError,
  asAosError,
  type Caller,
  type Entry,
  flagName,
  type MadeMount,
  type MountType,
  type Node,
  nameOf,
  type Path,
  type PluginApi,
  parsePath,
  redacted,
  withEnvironment,
} from '../plugin-sdk/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { MakeRequest } from './request.ts';
import type { MountRecord, MountStore } from './store.ts';

/** One line of `aos mount --list` (contract section 6). */
export interface MountLine {
  readonly path: string;
  readonly type: string;
  readonly writable: boolean;
  /** For whoever asks. */
  readonly locked: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  /** Why it could not be made again. */
  readonly error?: string;
}

interface Live {
  readonly record: MountRecord;
  readonly type: MountType;
  readonly made: MadeMount;
  withdraw(): void;
}

const MNT = parsePath('/aos/mnt');
const LOCK = parsePath('/aos/system/lock');

export class Mounts {
  private readonly api: PluginApi;
  private readonly catalogue: Catalogue;
  private readonly store: MountStore;
  private readonly live = new Map<string, Live>();
  private readonly lost = new Map<string, { record: MountRecord; error: AosError }>();

  constructor(api: PluginApi, catalogue: Catalogue, store: MountStore) {
    this.api = api;
    this.catalogue = catalogue;
    this.store = store;
  }

  /** Makes a mount, locked, and keeps it. Throws `exists`, `usage` or `invalid`, each for the path that it was to have. */
  async make(caller: Caller, request: MakeRequest): Promise<MountLine> {
    const { path } = request;
    try {
      return await this.begin(caller, request);
    } catch (thrown) {
      const error = asAosError(thrown, 'mounts', path);
      throw error.path === undefined ? new AosError(error.kind, { ...error, path, cause: error }) : error;
    }
  }

  private async begin(caller: Caller, { path, ...request }: MakeRequest): Promise<MountLine> {
    const found = await this.catalogue.find(request.type, caller);
    const options = withEnvironment(found.type.name, found.type.options, request.options, request.env);
    const record: MountRecord = { path, type: found.name, uid: caller.uid, options };
    const there = this.live.get(path) ?? this.lost.get(path);
    if (there !== undefined) {
      const why = `${there.record.type} is mounted there already`;
      throw new AosError('exists', { component: 'mounts', path, why, remedy: `take it away with: aos umount ${path}` });
    }
    await this.lock(path);
    const live = await this.open(record, found.type, path);
    const secrets = new Set(
      Object.entries(found.type.options).flatMap(([name, o]) => (o.secret ? [flagName(name)] : [])),
    );
    try {
      this.store.save(record, name => secrets.has(name));
    } catch (error) {
      this.drop(path, live);
      throw error;
    }
    this.api.changed(MNT);
    return this.line(caller, live);
  }

  /** Takes a mount away: for whoever made it, the daemon's user and root. Throws `not_found` or `denied`. */
  async remove(caller: Caller, path: Path): Promise<{ path: string; type: string }> {
    const there = this.live.get(path) ?? this.lost.get(path);
    if (there === undefined) {
      const why = 'nothing is mounted there';
      throw new AosError('not_found', { component: 'mounts', path, why, remedy: 'see: aos mount --list' });
    }
    const { record } = there;
    if (![record.uid, this.api.self.uid, 0].includes(caller.uid)) {
      const why = `it was made by uid ${record.uid}`;
      throw new AosError('denied', { component: 'mounts', path, why, remedy: 'ask whoever made it' });
    }
    this.store.remove(path);
    this.lost.delete(path);
    const live = this.live.get(path);
    if (live !== undefined) this.drop(path, live);
    await this.lock(path);
    this.api.changed(path);
    return { path, type: record.type };
  }

  /** Those that the caller may see. */
  list(caller: Caller): MountLine[] {
    const live = [...this.live.values()].map(one => this.line(caller, one));
    const lost = [...this.lost.values()].map(({ record, error }) => lostLine(record, error));
    return [...live, ...lost]
      .filter(({ path }) => this.sees(caller, parsePath(path)))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** After a restart. What cannot be made again is kept, and says why. */
  async restore(): Promise<void> {
    for (const { record, lost } of this.store.list()) {
      try {
        if (lost.length > 0) throw secretsLost(record, lost);
        const { type } = await this.catalogue.find(record.type, undefined);
        await this.open(record, type, parsePath(record.path));
      } catch (thrown) {
        const error = asAosError(thrown, 'mounts', record.path);
        this.lost.set(record.path, { record, error });
        this.api.log.error({ path: record.path, type: record.type, why: error.why }, 'a mount could not be made again');
      }
    }
  }

  /** A mount that could not be made again: a directory that holds why. */
  broken(rest: string): Node | undefined {
    const [name, aos, file] = rest.split('/');
    const lost = this.lost.get(`${MNT}/${name}`);
    if (lost === undefined) return undefined;
    if (aos === undefined) return { kind: 'dir', list: () => [{ name: '.aos', kind: 'dir' }] };
    if (aos !== '.aos') return undefined;
    if (file === undefined) return { kind: 'dir', list: () => [{ name: 'error', kind: 'value' }] };
    return file === 'error' ? { kind: 'value', local: true, read: () => lost.error.message } : undefined;
  }

  /** Those that could not be made again; the core lists the others, which are mounted. */
  lostEntries(): Entry[] {
    return [...this.lost.keys()].map(path => ({ name: nameOf(parsePath(path)), kind: 'dir' }));
  }

  close(): void {
    for (const { made } of this.live.values()) made.close();
    this.live.clear();
  }

  private async open(record: MountRecord, type: MountType, path: Path): Promise<Live> {
    const made = await type.make(record.options, path, this.api);
    let withdraw: () => void;
    try {
      withdraw = this.api.mount(made.point);
    } catch (error) {
      made.close();
      throw error;
    }
    const live = { record, type, made, withdraw };
    this.live.set(path, live);
    return live;
  }

  /** Ends the leases of what was mounted there before: they were not taken for what is mounted there next. */
  private async lock(path: Path): Promise<void> {
    try {
      await this.api.aos.call(this.api.self, LOCK, { path });
    } catch (error) {
      // There is no such lever here.
      if (!(error instanceof AosError) || error.kind !== 'not_found') throw error;
    }
  }

  private drop(path: string, live: Live): void {
    this.live.delete(path);
    live.withdraw();
    live.made.close();
  }

  private line(caller: Caller, { record, type, made }: Live): MountLine {
    return {
      path: record.path,
      type: record.type,
      writable: made.writable,
      locked: made.isLocked(caller),
      options: redacted(type.options, record.options),
    };
  }

  private sees(caller: Caller, path: Path): boolean {
    return this.api.aos
      .explain(caller, 'stat', path)
      .steps.every(({ step, allowed }) => step !== 'authorise' || allowed);
  }
}

/** Made without them it would ask its service as nobody, or as somebody else. */
function secretsLost({ path, type }: MountRecord, lost: readonly string[]): AosError {
  const flags = lost.map(flag => `--${flag}`).join(' and ');
  const remedy = `aos umount ${path}, then mount ${type} there again`;
  return new AosError('invalid', { component: 'mounts', path, why: `${flags}, a secret, is kept no more`, remedy });
}

/** Its kind is not there to say which of its options are secret: none is shown. */
function lostLine({ path, type }: MountRecord, error: AosError): MountLine {
  return { path, type, writable: false, locked: true, options: {}, error: error.message };
}
