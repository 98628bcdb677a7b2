/** What `call` on /aos/mnt may ask. */

import { AosError, type Given, type Path, parsePath, schema } from '../plugin-sdk/index.ts';

const requestSchema = schema(z => {
  const given = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]));
  return z.discriminatedUnion('op', [
    z.strictObject({ op: z.literal('list') }),
    z.strictObject({ op: z.literal('types') }),
    z.strictObject({ op: z.literal('describe'), type: z.string().min(1) }),
    z.strictObject({
      op: z.literal('mount'),
      type: z.string().min(1),
      path: z.string(),
      /** By flag name. */
      options: given.default({}),
      /** Variables of the caller's environment that stand in for options. */
      env: z.record(z.string(), z.string()).default({}),
    }),
    z.strictObject({ op: z.literal('umount'), path: z.string() }),
  ]);
});

export type MountRequest =
  | { readonly op: 'list' | 'types' }
  | { readonly op: 'describe'; readonly type: string }
  | MakeRequest
  | { readonly op: 'umount'; readonly path: Path };

export interface MakeRequest {
  readonly op: 'mount';
  readonly type: string;
  readonly path: Path;
  readonly options: Given;
  readonly env: Given;
}

/** Throws `invalid`. What was given is not repeated: it may hold secrets. */
export function readRequest(request: unknown): MountRequest {
  const checked = requestSchema().safeParse(request);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
    throw new AosError('invalid', {
      component: 'mounts',
      path: '/aos/mnt',
      why: `the request is not understood: ${where}${issue?.message ?? ''}`,
      remedy: 'call it with {"op":"list"}, or use aos mount',
    });
  }
  const { data } = checked;
  return data.op === 'mount' || data.op === 'umount' ? { ...data, path: mountPath(data.path) } : data;
}

/** Right below /aos/mnt. Throws `invalid`. */
function mountPath(text: string): Path {
  const path = parsePath(text);
  if (/^\/aos\/mnt\/[^/.][^/]*$/.test(path)) return path;
  throw new AosError('invalid', {
    component: 'mounts',
    path,
    why: 'a mount is a name right below /aos/mnt, and does not begin with a dot',
    remedy: 'write /aos/mnt/NAME',
  });
}
