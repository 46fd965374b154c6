import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { z } from 'zod';

/** The loopback ports of a local control plane. */
export interface ControlPlanePorts {
  etcd: number;
  kubeApiServer: number;
}

const portsSchema = z.object({ etcd: z.int().min(1).max(65_535), kubeApiServer: z.int().min(1).max(65_535) });

/** Asks the kernel for a loopback port that is free now. */
export async function freePort(): Promise<number> {
  const server = await listenOn(0);
  const port = portOf(server);
  await close(server);
  return port;
}

/**
 * The ports remembered in `file` where both are still free, else two free ones, which are then remembered.
 */
export async function choosePorts(file: string): Promise<ControlPlanePorts> {
  const remembered = await readPorts(file);
  if (
    remembered !== undefined &&
    (await isFree(remembered.etcd)) &&
    (await isFree(remembered.kubeApiServer))
  ) {
    return remembered;
  }
  const [first, second] = [await listenOn(0), await listenOn(0)]; // both open at once: two different ports
  const ports = { etcd: portOf(first), kubeApiServer: portOf(second) };
  await Promise.all([close(first), close(second)]);
  await writeFile(file, JSON.stringify(ports), { mode: 0o600 });
  return ports;
}

async function readPorts(file: string): Promise<ControlPlanePorts | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : portsSchema.parse(JSON.parse(text));
}

async function isFree(port: number): Promise<boolean> {
  try {
    await close(await listenOn(port));
    return true;
  } catch {
    return false;
  }
}

async function listenOn(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening'); // rejects on 'error'
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}
