import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';

const LAST_PORT = 65_535;

/** The loopback port that `file` holds, if it is free; else a free one, which the file holds from then on. */
export async function rememberPort(file: string): Promise<number> {
  const remembered = Number(await readFile(file, 'utf8').catch(() => '0'));
  const wanted = Number.isInteger(remembered) && remembered > 0 && remembered <= LAST_PORT ? remembered : 0;
  const port = await bind(wanted).catch(async () => bind(0));
  await writeFile(file, String(port));
  return port;
}

async function bind(port: number): Promise<number> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening'); // rejects on 'error'
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}
