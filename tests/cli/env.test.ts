import test from 'ava';
import { nearest } from '../../agents/nearest.ts';
import { resolveEnv } from '../../cli/env.ts';
import { nameIn, treePath } from '../../cli/tree.ts';

test('the defaults are those of root or of the user, and each variable replaces one', t => {
  t.deepEqual(resolveEnv({}, true), {
    home: '/var/lib/aos',
    mount: '/aos',
    socket: '/var/lib/aos/aos.sock',
    config: undefined,
  });
  t.like(resolveEnv({ HOME: '/home/u' }, false), { home: '/home/u/.local/share/aos', mount: '/home/u/aos' });
  t.like(resolveEnv({ HOME: '/home/u', XDG_DATA_HOME: '/d' }, false), { home: '/d/aos' });
  const given = { AOS_HOME: '/h', AOS_MOUNT: '/m', AOS_CONFIG: '/c.yaml' };
  t.deepEqual(resolveEnv(given, true), { home: '/h', mount: '/m', socket: '/h/aos.sock', config: '/c.yaml' });
  t.is(resolveEnv({ ...given, AOS_SOCKET: '/s' }, true).socket, '/s');
  t.is(resolveEnv({ AOS_HOME: '' }, true).home, '/var/lib/aos');
});

test('a path of the tree is one from /aos, or one below the mount', t => {
  const env = resolveEnv({ AOS_HOME: '/h', AOS_MOUNT: '/m' }, true);
  t.is(treePath('/aos', env), '/aos');
  t.is(treePath('/aos/agents', env), '/aos/agents');
  t.is(treePath('/m', env), '/aos');
  t.is(treePath('/m/agents/', env), '/aos/agents');
  t.throws(() => treePath('/mm/agents', env), { message: /not a path of the tree/ });
  t.throws(() => treePath('/aosx', env), { message: /not a path of the tree/ });
  t.is(nameIn('/aos/agents', '/aos/agents/coder/'), 'coder');
  t.is(nameIn('/aos/agents', 'coder'), 'coder');
});

test('the nearest word is one a hand could have meant', t => {
  const words = ['status', 'stat', 'search', 'ps', 'explain'];
  t.is(nearest('stauts', words), 'status');
  t.is(nearest('sta', words), 'stat');
  t.is(nearest('sp', words), 'ps');
  t.is(nearest('expalin', words), 'explain');
  t.is(nearest('frobnicate', words), undefined);
});
