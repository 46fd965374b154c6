import { X509Certificate } from 'node:crypto';
import type { Metrics } from '../telemetry/metrics.ts';
import type { AgentTls } from '../webhook/server.ts';

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Registers when the agent port's certificates end, looked up at each scrape. */
export function registerCertificateMetrics(metrics: Metrics, tls: () => AgentTls | undefined): void {
  metrics.gauge(
    {
      name: 'nixfleet_certificate_expiry_timestamp_seconds',
      help: 'When the first certificate of a chain or bundle ends: what agents see (server), or what they are trusted by (agent-ca).',
      labels: ['certificate'],
    },
    (gauge) => {
      const current = tls();
      gauge.clear();
      for (const [certificate, pem] of [
        ['server', current?.cert],
        ['agent-ca', current?.clientCa],
      ] as const) {
        const end = firstEnd(pem ?? '');
        if (end !== undefined) gauge.set(end, { certificate });
      }
    },
  );
}

/** Seconds since the epoch; undefined where nothing can be read. */
function firstEnd(pem: string): number | undefined {
  const ends = [...pem.matchAll(PEM_BLOCK)].flatMap(([block]) => {
    try {
      return [new X509Certificate(block).validToDate.getTime() / 1000];
    } catch {
      return []; // TLS refuses it louder than a metric could
    }
  });
  return ends.length === 0 ? undefined : Math.min(...ends);
}
