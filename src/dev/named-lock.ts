import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A machine-wide lock that the kernel releases when its holder dies, however it dies. */
export interface NamedLock {
  release(): Promise<void>;
}

/**
 * Tries to take the lock called `name`; `undefined` while somebody else holds it.
 *
 * It is a listening socket: on Linux one without a file, so that nothing stale can be left behind.
 */
export async function tryLock(name: string): Promise<NamedLock | undefined> {
  const path = socketPath(name);
  const server = await listen(path);
  if (server !== undefined) return asLock(server);
  if (path.startsWith('\0') || (await answers(path))) return undefined;
  rmSync(path, { force: true });
  const second = await listen(path);
  return second === undefined ? undefined : asLock(second);
}

function socketPath(name: string): string {
  const digest = createHash('sha256').update(`${userInfo().uid}:${name}`).digest('hex').slice(0, 32);
  return process.platform === 'linux'
    ? `\0nixfleet-operator-${digest}`
    : join(tmpdir(), `nixfleet-operator-${digest}.sock`);
}

async function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(path, () => resolve(server));
    server.unref();
  });
}

async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function asLock(server: Server): NamedLock {
  return {
    release: async () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}
