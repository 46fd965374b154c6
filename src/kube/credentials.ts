import { existsSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

/** TLS material of a connection to the API server. */
export interface TlsMaterial {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** What a request needs to reach the API server and be let in. */
export interface Credentials {
  readonly server: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * Finds the cluster: the named kubeconfig file, else the Pod's service account, else `KUBECONFIG` or
 * `~/.kube/config`. Throws where there is none, rather than to try localhost.
 */
export function loadKubeConfig(kubeconfig: string | undefined, env: NodeJS.ProcessEnv): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig !== undefined) config.loadFromFile(kubeconfig);
  else if (env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(SERVICE_ACCOUNT_TOKEN)) {
    config.loadFromCluster();
  } else config.loadFromDefault();
  const cluster = config.getCurrentCluster();
  if (cluster === null || (kubeconfig === undefined && cluster.server === 'http://localhost:8080')) {
    throw new Error(
      'no cluster is configured: give --kubeconfig, set KUBECONFIG, or run in a Pod with a service account',
    );
  }
  if (cluster.proxyUrl !== undefined && cluster.proxyUrl !== '') {
    throw new Error(
      `cluster "${cluster.name}" has a proxy-url, which is not supported: use a direct server address`,
    );
  }
  return config;
}

/** Reads tokens and certificates anew; they rotate. */
export async function readCredentials(config: KubeConfig): Promise<Credentials> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig has no current cluster');
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
  if (typeof options.auth === 'string') {
    headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  }
  return { server: new URL(cluster.server), headers, tls: tlsOf(options) };
}

/** Whether connections made with one material may be used for the other. */
export function sameTls(a: TlsMaterial, b: TlsMaterial): boolean {
  return (
    sameBytes(a.ca, b.ca) &&
    sameBytes(a.cert, b.cert) &&
    sameBytes(a.key, b.key) &&
    a.servername === b.servername &&
    a.rejectUnauthorized === b.rejectUnauthorized
  );
}

function tlsOf(options: RequestOptions): TlsMaterial {
  const ca = bytesOf(options.ca);
  const cert = bytesOf(options.cert);
  const key = bytesOf(options.key);
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(options.servername !== undefined && { servername: options.servername }),
    ...(options.rejectUnauthorized !== undefined && { rejectUnauthorized: options.rejectUnauthorized }),
  };
}

function bytesOf(value: unknown): string | Buffer | undefined {
  return typeof value === 'string' || Buffer.isBuffer(value) ? value : undefined;
}

function sameBytes(a: string | Buffer | undefined, b: string | Buffer | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.from(a).equals(Buffer.from(b));
}
