/** The socket door: the tree over HTTP/1.1 on a unix socket. GET reads, PUT writes, POST calls, DELETE removes, MKCOL makes a directory. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Cancellation } from '../../core/cancel.ts';
import { AosError, asAosError } from '../../core/errors.ts';
import { follow } from '../../core/follow.ts';
import type { Caller, DoorApi, DoorName } from '../../core/types.ts';
import { agentSet } from '../agent.ts';
import { makeCaller } from '../identity.ts';
import type { StreamExchange, StreamHandler } from '../stream.ts';
import { listenOn } from './listen.ts';
import { type Peer, preparePeers, readPeer } from './peer.ts';
import { get, type Work } from './read.ts';
import { beginStream, sendChunk, sendError, sendJson } from './reply.ts';
import { decodePath, drain, splitTarget } from './request.ts';
import { makeDir, post, put, remove } from './write.ts';

// An import of node:http reads all its names, and `WebSocket` among them loads undici, which costs the start 40 ms.
const { createServer } = process.getBuiltinModule('node:http');

const COMPONENT = 'socket door';
/** Room for a path of 4096 bytes with every byte percent-encoded. */
const HEAD_BYTES_MAX = 32 * 1024;
const CONNECTIONS_MAX = 1024;
/** What is left for replies under way when the door closes. */
const CLOSE_MS = 250;

export interface SocketOptions {
  /** Where to listen, at most 107 bytes. */
  readonly path: string;
  /** Further GET targets outside the tree, by path (`/health`): each gives a value for JSON. */
  readonly extra?: Record<string, () => unknown>;
  /** Further POST targets outside the tree, by path (`/shell`): each talks over the request and the reply at once. */
  readonly streams?: Record<string, StreamHandler>;
}

export interface SocketDoor {
  readonly path: string;
  /** Stops listening, interrupts what is under way and removes the socket. */
  stop(): Promise<void>;
}

/** Opens the door. Throws `name_too_long`, `busy`, `exists` or `unsupported`, each with its remedy. */
export async function startSocket(api: DoorApi, options: SocketOptions): Promise<SocketDoor> {
  preparePeers();
  const peers = new WeakMap<Socket, Peer>();
  const active = new Set<Cancellation>();
  const server = createServer({ maxHeaderSize: HEAD_BYTES_MAX }, (request, response) => {
    const cancel = new Cancellation();
    active.add(cancel);
    response.once('close', () => {
      active.delete(cancel);
      cancel.abort();
    });
    serve(api, options, peers.get(request.socket), { request, response, cancel }).catch(async thrown => {
      if (!request.complete) await drain(request);
      sendError(response, asAosError(thrown, COMPONENT));
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  // A request may last as long as its client does: `tail -f | aos write`, or a shell.
  server.requestTimeout = 0;
  server.on('connection', socket => {
    const peer = readPeer(socket);
    if (peer !== undefined) return void peers.set(socket, peer);
    api.log.warn({}, 'socket door: a connection without credentials was refused');
    socket.destroy();
  });
  server.on('clientError', (error, socket) => {
    if (!socket.writable) return void socket.destroy();
    const said = new AosError('invalid', {
      component: COMPONENT,
      why: `the request is not HTTP/1.1: ${error.message}`,
      remedy: 'use aos, or any client of HTTP on a unix socket',
    });
    socket.end(`HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n${JSON.stringify({ error: said.toJSON() })}\n`);
  });
  await listenOn(server, options.path);
  server.on('error', error => api.log.error({ err: error }, 'socket door: the server failed'));

  return {
    path: options.path,
    stop() {
      return new Promise<void>(resolve => {
        server.close(() => resolve());
        for (const cancel of active) cancel.abort();
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), CLOSE_MS).unref();
      });
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly cancel: Cancellation;
}

async function serve(api: DoorApi, options: SocketOptions, peer: Peer | undefined, exchange: Exchange): Promise<void> {
  const { request, response, cancel } = exchange;
  if (peer === undefined) throw new AosError('denied', { component: COMPONENT, why: 'the caller is not known' });
  const target = splitTarget(request.url ?? '');
  const extra = options.extra;
  if (extra !== undefined && request.method === 'GET' && Object.hasOwn(extra, target.path)) {
    return sendJson(response, await extra[target.path]?.());
  }
  const parts = { ...peer, tid: peer.pid, door: 'socket' as const, authority: api.authorityOf(peer.uid) };
  const caller = makeCaller(parts);
  const as = async (agent: string, door: DoorName = 'socket'): Promise<Caller> => {
    const set = await agentSet(api.aos, caller, agent, cancel, COMPONENT);
    return makeCaller({ ...parts, door, authority: [...parts.authority, set], agent });
  };
  const streams = options.streams;
  if (streams !== undefined && request.method === 'POST' && Object.hasOwn(streams, target.path)) {
    return stream(streams[target.path], exchange, target.query, async (door, agent) =>
      agent === undefined ? makeCaller({ ...parts, door }) : as(agent, door),
    );
  }
  const work: Work = {
    aos: api.aos,
    caller,
    as,
    path: await follow(api.aos, caller, decodePath(target.path), followsLast(request.method, target.query), cancel),
    query: target.query,
    cancel,
    response,
  };
  switch (request.method) {
    case 'GET':
      return get(work);
    case 'PUT':
      return put(work, request);
    case 'POST':
      return post(work, request);
    case 'DELETE':
      return remove(work);
    case 'MKCOL':
      return makeDir(work);
    default:
      throw new AosError('unsupported', {
        component: COMPONENT,
        path: work.path,
        why: `${request.method ?? 'this method'} is not served`,
        remedy: 'use GET, PUT, POST, DELETE or MKCOL',
      });
  }
}

async function stream(
  handler: StreamHandler | undefined,
  { request, response, cancel }: Exchange,
  query: URLSearchParams,
  caller: StreamExchange['caller'],
): Promise<void> {
  const begin = (): void => {
    if (!response.headersSent) beginStream(response, 'application/octet-stream');
  };
  await handler?.({
    caller,
    query,
    body: request,
    cancel,
    send(bytes) {
      begin();
      return sendChunk(response, bytes);
    },
  });
  begin();
  response.end();
}

/** Whether a link at the end of the path stands for what it leads to. `stat` says of the link itself, as lstat does. */
function followsLast(method: string | undefined, query: URLSearchParams): boolean {
  if (query.has('stat') || query.has('explain')) return query.has('list');
  return method === 'GET' || method === 'PUT' || method === 'POST';
}
