// The library's dependency container wants reflect-metadata first.
import 'reflect-metadata';
import { createPublicKey } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { HostKey } from './openssh-key.ts';

/** The agent's request: PKCS#10 in PEM, the bare machine id as common name, signed with the SSH host key (§2.3). */
export async function certificateRequest(machineId: string, { privateKey }: HostKey): Promise<string> {
  const algorithm = { name: 'Ed25519' };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [machineId] }],
    keys: {
      privateKey: privateKey.toCryptoKey(algorithm, false, ['sign']),
      publicKey: createPublicKey(privateKey).toCryptoKey(algorithm, true, ['verify']),
    },
    signingAlgorithm: algorithm,
  });
  return `${request.toString('pem')}\n`;
}
