/** The command line as a user runs it: `bin/aos` in a process of its own, against a daemon made of a test's own plugins. */

import { dirname, join } from 'node:path';
import { type Subject, startSubject } from '../doors/socket/subject.ts';
import { type CommandOptions, command, type Result } from '../support/command.ts';
import type { Teardown } from '../support/dirs.ts';
import { type Fake, fakePlugins } from './fake.ts';

export const ROOT = dirname(dirname(import.meta.dirname));

export interface Shell {
  readonly subject: Subject;
  readonly fake: Fake;
  readonly env: NodeJS.ProcessEnv;
  aos(...args: string[]): Promise<Result>;
  /** A script that finds `aos` on its path. */
  sh(script: string, options?: CommandOptions): Promise<Result>;
}

export async function startShell(t: Teardown): Promise<Shell> {
  const fake = fakePlugins();
  const subject = await startSubject(t, { plugins: [fake.plugin] });
  const env = environment(subject.home, subject.socket);
  return {
    subject,
    fake,
    env,
    aos: (...args) => command(join(ROOT, 'bin/aos'), args, { env, cwd: subject.home }),
    sh: (script, options) => command('/bin/sh', ['-c', script], { env, cwd: subject.home, ...options }),
  };
}

export function environment(home: string, socket: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AOS_|XDG_|AVA_)/.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: `${join(ROOT, 'bin')}:${process.env.PATH ?? '/usr/bin:/bin'}`,
    AOS_HOME: home,
    AOS_SOCKET: socket,
    AOS_MOUNT: join(home, 'mnt'),
  };
}
