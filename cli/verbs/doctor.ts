/** Goes through what the daemon needs: each ok, missing, or how to get it. */

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AosError, asAosError } from '../../core/errors.ts';
import { json, line } from '../output.ts';
import { fields, text } from '../shape.ts';
import type { Context, Verb } from '../verb.ts';

const NODE_LEAST = 24;

interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly remedy?: string | undefined;
  /** The rest works without it. */
  readonly optional?: boolean;
}

export const verb: Verb = {
  name: 'doctor',
  summary: 'Go through what the daemon needs',
  notes:
    'Exits 1 where something is missing that is not optional. JSON: a list of {name, ok, found, remedy, optional}.',
  async run(context: Context) {
    const findings = [node(), home(context), mountpoint(context), ...(await fuse()), ...(await daemon(context))];
    if (context.json) json(findings);
    else line(findings.map(findingText).join('\n'));
    return findings.every(({ ok, optional }) => ok || optional === true) ? 0 : 1;
  },
};

function findingText({ name, ok, found, remedy, optional }: Finding): string {
  const needed = ok || optional !== true || name.includes('optional') ? '' : ' (optional)';
  const said = `${(ok ? 'ok' : 'missing').padEnd(7)}  ${name}${needed}: ${found}`;
  return ok || remedy === undefined ? said : `${said}\n         ${remedy}`;
}

function node(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  const remedy = 'run npm ci in the project, which brings one';
  return {
    name: 'node',
    ok: major >= NODE_LEAST,
    found: `${process.version}, ${NODE_LEAST} or newer is needed`,
    remedy,
  };
}

function home({ env }: Context): Finding {
  const at = nearestExisting(env.home);
  const ok = isWritable(at);
  const found = at === env.home ? env.home : `${env.home}, to be made in ${at}`;
  return {
    name: 'home',
    ok,
    found: ok ? found : `${at} cannot be written`,
    remedy: 'set AOS_HOME to a directory of yours',
  };
}

function mountpoint({ env }: Context): Finding {
  const remedy = 'set AOS_MOUNT to a directory of yours';
  try {
    const stat = statSync(env.mount, { throwIfNoEntry: false });
    if (stat === undefined) {
      const at = nearestExisting(env.mount);
      const ok = isWritable(at);
      const found = ok ? `${env.mount}, to be made` : `${at} cannot be written`;
      return { name: 'mountpoint', ok, found, remedy };
    }
    if (!stat.isDirectory()) return { name: 'mountpoint', ok: false, found: `${env.mount} is not a directory`, remedy };
    return { name: 'mountpoint', ok: true, found: env.mount };
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOTCONN') {
      const found = `${env.mount} was left behind by a daemon that died`;
      return { name: 'mountpoint', ok: false, found, remedy: 'aos-mount and aos umount clear it' };
    }
    return { name: 'mountpoint', ok: false, found: asAosError(thrown, 'doctor', env.mount).why, remedy };
  }
}

async function fuse(): Promise<Finding[]> {
  const { fusePrerequisites } = await import('../../doors/fuse/index.ts');
  return fusePrerequisites();
}

/** Whether a daemon answers, and which model it has. One that was not started is no defect. */
async function daemon({ client, env }: Context): Promise<Finding[]> {
  try {
    const status = fields(await client.call('/aos/system/status', {}));
    const model = text(status, 'model');
    return [
      { name: 'daemon', ok: true, found: `${text(status, 'pid')} answers at ${env.socket}` },
      {
        name: 'model',
        ok: model !== '' && !model.startsWith('offline'),
        found: model === '' ? 'none' : model,
        remedy:
          'offline only quotes what the tree holds; set OPENAI_API_KEY, or backends.openai.base_url in the configuration',
        optional: true,
      },
    ];
  } catch (thrown) {
    if (!(thrown instanceof AosError)) throw thrown;
    return [
      { name: 'daemon', ok: false, found: thrown.why, remedy: thrown.remedy, optional: thrown.kind === 'not_running' },
    ];
  }
}

function nearestExisting(path: string): string {
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
