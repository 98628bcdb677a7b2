/**
 * All that a plugin imports. A plugin is one value made by `definePlugin`; it mounts trees, listens to hooks and uses the
 * rest of the system by path, through the same gate as everyone else.
 */

export { NEVER } from '../core/cancel.ts';
export { VERBS } from '../core/capabilities/grant.ts';
export { grantSchema } from '../core/config.ts';
export { microsFromUsd, printUsd, usdFromMicros } from '../core/cost/money.ts';
export { parseDuration, printDuration } from '../core/duration.ts';
export { AosError, asAosError, type ErrorKind, type ErrorShape } from '../core/errors.ts';
export { LIMITS } from '../core/limits.ts';
export { caught, isPromise, then } from '../core/maybe.ts';
export { below, checkName, isWithin, join, nameOf, parentOf, parsePath, ROOT } from '../core/path.ts';
export { type Infer, type Issue, schema, zod } from '../core/schema.ts';
export { isStream } from '../core/stream.ts';
export type * from '../core/types.ts';
export * from './backend.ts';
export { Cache, type CacheState } from './cache.ts';
export { type DiskOptions, diskTree } from './disk.ts';
export { sha256 } from './hash.ts';
export { type ApiOptions, type Ask, addressBelow, contentType, type WebApi } from './http-api.ts';
export { failureOf, HttpFailure, type HttpRequest, type HttpResponse, isPrivateLiteral, send } from './http-client.ts';
export { isCutShort } from './json.ts';
export { LogBuffer } from './log-buffer.ts';
export * from './mount.ts';
export * from './nodes.ts';
export * from './option.ts';
export { PAGE_MAX, type Page, page } from './page.ts';
export { definePlugin } from './plugin.ts';
export { defineTool, type Tool, type ToolContext } from './tool.ts';
export { readTranscript, Told } from './transcript.ts';
export { type Args, type Params, type Route, tree } from './tree.ts';
export { yaml } from './yaml.ts';
