import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCa, issueCertificate, type PemPair } from './certificates.ts';

/** Files and authority behind a local kube-apiserver. */
export interface ControlPlanePki {
  ca: PemPair;
  caFile: string;
  servingCertFile: string;
  servingKeyFile: string;
  serviceAccountKeyFile: string;
}

/**
 * Makes the certificates of a control plane in `folder`, or goes on with the authority and key that are there already,
 * so that credentials handed out before a restart stay good.
 */
export async function ensurePki(folder: string): Promise<ControlPlanePki> {
  const file = (name: string): string => join(folder, name);
  const ca = await readOrMake(
    [file('ca.crt'), file('ca.key')],
    async () => createCa('nixfleet local control plane'),
    (pair) => [pair.certPem, pair.keyPem],
    ([certPem, keyPem]) => ({ certPem, keyPem }),
  );
  const serving = await issueCertificate(ca, {
    commonName: 'kube-apiserver',
    hosts: ['127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
    usage: 'server',
  });
  await write(file('apiserver.crt'), serving.certPem);
  await write(file('apiserver.key'), serving.keyPem);
  if ((await read(file('service-account.key'))) === undefined) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await write(file('service-account.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  return {
    ca,
    caFile: file('ca.crt'),
    servingCertFile: file('apiserver.crt'),
    servingKeyFile: file('apiserver.key'),
    serviceAccountKeyFile: file('service-account.key'),
  };
}

async function readOrMake<T>(
  [first, second]: [string, string],
  make: () => Promise<T>,
  encode: (value: T) => [string, string],
  decode: (texts: [string, string]) => T,
): Promise<T> {
  const [a, b] = [await read(first), await read(second)];
  if (a !== undefined && b !== undefined) return decode([a, b]);
  const made = await make();
  const [firstText, secondText] = encode(made);
  await write(first, firstText);
  await write(second, secondText);
  return made;
}

async function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 });
}
