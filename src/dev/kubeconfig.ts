import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { PemPair } from './certificates.ts';

/** What a kubeconfig for one user of one server says. */
export interface KubeconfigContent {
  serverUrl: string;
  /** PEM of the authority that signed the server's certificate. */
  caPem: string;
  user: string;
  client: PemPair;
}

/** Writes a kubeconfig with everything embedded, readable by its owner only. */
export async function writeKubeconfig(path: string, content: KubeconfigContent): Promise<void> {
  const name = 'nixfleet-local';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: { server: content.serverUrl, 'certificate-authority-data': base64(content.caPem) },
      },
    ],
    users: [
      {
        name: content.user,
        user: {
          'client-certificate-data': base64(content.client.certPem),
          'client-key-data': base64(content.client.keyPem),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: content.user, namespace: 'default' } }],
    'current-context': name,
  };
  await writeFile(path, stringify(config, { lineWidth: 0 }), { mode: 0o600 });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
