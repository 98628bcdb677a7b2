/**
 * The loop over one connection to the kernel. While nothing comes the event loop is free and the kernel signals the first request
 * (SIGIO); a thread of the pool could wait as well, but would leave the mount dead whenever others fill the pool. From the first
 * request on the main thread takes one after the other until none came for a moment, because waking up costs more than serving.
 */

import { close, write } from 'node:fs';
import { constants } from 'node:os';
import type { DoorApi } from '../../core/types.ts';
import { dispatch } from './dispatch.ts';
import { forgetPath } from './forgetting.ts';
import { Request } from './request.ts';
import { Server, type ServerOptions } from './server.ts';
import { onReadable } from './signals.ts';
import type { Memory, Syscalls } from './syscalls.ts';
import { OP } from './wire.ts';

const { EAGAIN, EINTR, ENODEV, ENOENT, ECONNABORTED, EBADF } = constants.errno;

/** A frame is at most one WRITE of 1 MiB with its header; replies hold as much as one READ. */
const FRAME_BYTES = 1024 * 1024 + 8192;
/** How long a burst waits for another request. */
const PATIENCE_NS = 150_000;
/** After this the event loop has its turn, and the burst goes on behind it. */
const BURST_MS = 5;
/** The same while requests wait for something that only the event loop brings. */
const BURST_WAITING_MS = 0.5;
/** Nobody waits for the answer to these, so their caller has mostly asked for more by the time they are served. */
const UNHEARD: ReadonlySet<number> = new Set([OP.RELEASE, OP.RELEASEDIR, OP.FORGET, OP.BATCH_FORGET, OP.INTERRUPT]);
/** The longest a timer can be: it only says that we are at work. */
const FOREVER_MS = 2 ** 31 - 1;
const POLLIN = 1;
/** struct pollfd: fd i32, events i16, revents i16. */
const POLLFD = 8;

export class Session {
  readonly server: Server;
  /** Resolves when the connection is over: unmounted, aborted, or closed by `close`. */
  readonly ended: Promise<void>;
  /** Resolves when the kernel and we have agreed. */
  readonly agreed: Promise<void>;
  readonly #sys: Syscalls;
  readonly #fd: number;
  readonly #in: Memory;
  readonly #out: Memory;
  readonly #fds: Memory;
  readonly #patience: Memory;
  readonly #impatience: Memory;
  readonly #untap: (() => void)[];
  #over = false;
  #waiting = false;
  #keepAlive: NodeJS.Timeout | undefined;
  #agreed: () => void = () => {};
  #ended: () => void = () => {};

  /** `fd` is a non-blocking descriptor of `/dev/fuse` that is, or is about to be, mounted. The session owns it. */
  constructor(sys: Syscalls, fd: number, api: DoorApi, options: ServerOptions) {
    this.#sys = sys;
    this.#fd = fd;
    sys.own(fd);
    this.#in = sys.memory(FRAME_BYTES);
    this.#out = sys.memory(FRAME_BYTES);
    this.#fds = sys.memory(POLLFD);
    this.#fds.bytes.writeInt32LE(fd, 0);
    this.#fds.bytes.writeInt16LE(POLLIN, 4);
    this.#patience = timespec(sys, PATIENCE_NS);
    this.#impatience = timespec(sys, 0);
    this.ended = new Promise(resolve => {
      this.#ended = resolve;
    });
    this.agreed = new Promise(resolve => {
      this.#agreed = resolve;
    });
    const sink = {
      send: (frame: Buffer, length: number) => this.#send(frame, length),
      sendLater: (frame: Buffer, done: () => void) => write(this.#fd, frame, 0, frame.length, null, done),
    };
    this.server = new Server(api, options, sink, new Request(this.#in.bytes), this.#out.bytes);
    this.#untap = [api.onChanged(path => forgetPath(this.server, path)), api.onNarrowed(() => this.server.narrowed())];
  }

  start(): void {
    this.#untap.push(onReadable(this.#signalled));
    this.#keepAlive = setInterval(() => {}, FOREVER_MS);
    this.#wait();
  }

  /** Ends the session and with it the connection: whoever still holds a file open gets ENOTCONN. */
  close(): void {
    this.#end();
  }

  #send(frame: Buffer, length: number): number {
    if (this.#over) return ENODEV;
    if (frame === this.#out.bytes) {
      return this.#sys.write(this.#fd, this.#out.address, length) < 0 ? this.#sys.errno() : 0;
    }
    const copy = this.#sys.memory(length);
    frame.copy(copy.bytes, 0, 0, length);
    return this.#sys.write(this.#fd, copy.address, length) < 0 ? this.#sys.errno() : 0;
  }

  #wait(): void {
    this.#waiting = true;
    this.#sys.signalWhenReadable(this.#fd, true);
    // What came before that is not signalled any more.
    if (this.#sys.ppoll(this.#fds.address, 1, this.#impatience.address) !== 0) setImmediate(this.#signalled);
  }

  readonly #signalled = (): void => {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#sys.signalWhenReadable(this.#fd, false);
    this.#burst();
  };

  #burst(): void {
    if (this.#over) return;
    const began = performance.now();
    const { server } = this;
    const address = this.#in.address;
    const size = this.#in.bytes.length;
    let served = false;
    for (;;) {
      const length = this.#sys.read(this.#fd, address, size);
      let unheard = false;
      if (length > 0) {
        served = true;
        dispatch(server, length);
        unheard = UNHEARD.has(server.request.opcode);
        if (server.request.opcode === OP.INIT && server.minor > 0) this.#agreed();
      } else if (length === 0 || !this.#isPassing(this.#sys.errno())) {
        this.#end();
        return;
      }
      const waiting = server.waiting > 0;
      if (performance.now() - began > (waiting ? BURST_WAITING_MS : BURST_MS)) {
        setImmediate(() => this.#burst());
        return;
      }
      if (unheard) continue;
      if (!served) {
        // A signal for what an earlier burst has served.
        this.#wait();
        return;
      }
      const patience = waiting ? this.#impatience : this.#patience;
      if (this.#sys.ppoll(this.#fds.address, 1, patience.address) === 0) {
        this.#wait();
        return;
      }
    }
  }

  /** ENOENT: the request was aborted before we took it. */
  #isPassing(errno: number): boolean {
    if (errno === EAGAIN || errno === EINTR || errno === ENOENT) return true;
    if (errno !== ENODEV && errno !== ECONNABORTED && errno !== EBADF) {
      this.server.api.log.error({ errno }, 'kernel door: reading from /dev/fuse failed; the mount ends');
    }
    return false;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting = false;
    for (const untap of this.#untap) untap();
    this.server.close();
    clearInterval(this.#keepAlive);
    this.#sys.signalWhenReadable(this.#fd, false);
    close(this.#fd, () => this.#ended());
  }
}

function timespec(sys: Syscalls, nanoseconds: number): Memory {
  const memory = sys.memory(16);
  memory.bytes.writeUInt32LE(nanoseconds, 8);
  return memory;
}
