import { DEFAULT_SETTINGS, type ControllerSettings } from '../controllers/settings.ts';
import { parseDuration } from '../core/duration.ts';
import type { LogLevel } from '../telemetry/logger.ts';
import type { TracingOptions } from '../telemetry/tracing.ts';
import { LIMIT_FLAGS, limitsOf, type AgentLimits } from './limit-flags.ts';
import { OptionError, type Flag } from './option-flag.ts';
import { TRACING_FLAGS, tracingOf } from './tracing-options.ts';

/** What a process does: the controllers (one leader at a time), the agent webhook (every replica), or both. */
export type Role = 'controller' | 'webhook';

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Files of the certificate that agents see; read again when they change. */
export interface ServerCertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A running operator's configuration, checked. Times are in milliseconds. */
export interface OperatorOptions {
  readonly kubeconfig: string | undefined;
  readonly namespace: string;
  readonly fleetName: string;
  readonly roles: ReadonlySet<Role>;
  readonly agentListen: ListenAddress;
  readonly agentTls: ServerCertificateFiles | undefined;
  readonly healthListen: ListenAddress;
  readonly logLevel: LogLevel;
  /** Undefined where nothing is traced. */
  readonly tracing: TracingOptions | undefined;
  readonly lease: {
    readonly durationMs: number;
    readonly renewDeadlineMs: number;
    readonly retryPeriodMs: number;
  };
  readonly pollMaxSeconds: number;
  readonly limits: AgentLimits;
  readonly settings: ControllerSettings;
}

const ms = (millis: number): string => (millis % 1000 === 0 ? `${millis / 1000}s` : `${millis}ms`);

/** All flags of `run`. Each can be given as an environment variable, too: `--agent-listen` as `NIXFLEET_AGENT_LISTEN`. */
export const FLAGS: readonly Flag[] = [
  {
    name: 'kubeconfig',
    value: 'FILE',
    help: 'cluster to work in; default: the Pod’s service account, then $KUBECONFIG',
  },
  { name: 'namespace', value: 'NAME', help: 'the namespace that is served', default: 'nixfleet' },
  { name: 'fleet', value: 'NAME', help: 'the one Fleet of that namespace that is served', default: 'fleet' },
  { name: 'roles', value: 'LIST', help: 'controller, webhook or both', default: 'controller,webhook' },
  { name: 'agent-listen', value: 'HOST:PORT', help: 'where agents connect (mTLS)', default: '0.0.0.0:8443' },
  {
    name: 'agent-tls-cert',
    value: 'FILE',
    help: 'certificate chain that agents see (PEM); needed by the webhook role',
  },
  { name: 'agent-tls-key', value: 'FILE', help: 'its private key (PEM)' },
  {
    name: 'health-listen',
    value: 'HOST:PORT',
    help: '/livez, /readyz and /metrics (plain HTTP)',
    default: '0.0.0.0:8081',
  },
  { name: 'log-level', value: 'LEVEL', help: 'debug, info, warn or error', default: 'info' },
  ...TRACING_FLAGS,
  { name: 'lease-duration', value: 'TIME', help: 'how long others wait for a silent leader', default: '15s' },
  {
    name: 'lease-renew-deadline',
    value: 'TIME',
    help: 'how long a leader goes on without renewing',
    default: '10s',
  },
  {
    name: 'lease-retry-period',
    value: 'TIME',
    help: "time between a leader's renewals of the Lease; others look at it twice a second",
    default: '2s',
  },
  { name: 'poll-max', value: 'TIME', help: 'longest time a dispatch poll is held', default: '60s' },
  {
    name: 'plan-interval',
    value: 'TIME',
    help: 'a plan is made at least this often',
    default: ms(DEFAULT_SETTINGS.planIntervalMs),
  },
  {
    name: 'redeliver-after',
    value: 'TIME',
    help: 'a dispatch is not handed out again sooner',
    default: ms(DEFAULT_SETTINGS.redeliverAfterMs),
  },
  {
    name: 'settle-gap',
    value: 'TIME',
    help: 'two equal reports this far apart settle a new host',
    default: ms(DEFAULT_SETTINGS.settleGapMs),
  },
  {
    name: 'settle-max',
    value: 'TIME',
    help: 'a new host is settled after this, whatever it reports',
    default: ms(DEFAULT_SETTINGS.settleMaxMs),
  },
  {
    name: 'told-after',
    value: 'TIME',
    help: 'a heartbeat that no other one follows for so long has got its answer',
    default: ms(DEFAULT_SETTINGS.toldAfterMs),
  },
  {
    name: 'host-busy',
    value: 'TIME',
    help: 'an unfinished dispatch keeps a host busy this long',
    default: ms(DEFAULT_SETTINGS.hostBusyMs),
  },
  {
    name: 'superseded-hold',
    value: 'TIME',
    help: 'a superseded host holds its slot this long past its soak',
    default: ms(DEFAULT_SETTINGS.supersededHoldMs),
  },
  {
    name: 'inbox-max-age',
    value: 'TIME',
    help: 'events without consequence wait this long for the next one',
    default: ms(DEFAULT_SETTINGS.inboxMaxAgeMs),
  },
  {
    name: 'status-interval',
    value: 'TIME',
    help: 'counters are written at most this often',
    default: ms(DEFAULT_SETTINGS.statusIntervalMs),
  },
  {
    name: 'verdict-delay',
    value: 'TIME',
    help: 'a verdict about a host is written once it stood this long',
    default: ms(DEFAULT_SETTINGS.verdictDelayMs),
  },
  {
    name: 'retention-interval',
    value: 'TIME',
    help: 'old rollouts are looked for this often',
    default: ms(DEFAULT_SETTINGS.retentionIntervalMs),
  },
  ...LIMIT_FLAGS,
];

/** The value of each flag as given on the command line. */
export type FlagValues = Readonly<Record<string, string | undefined>>;

/** Checks flags and environment. Throws `OptionError`. */
export function readOptions(values: FlagValues, env: NodeJS.ProcessEnv): OperatorOptions {
  const raw = (name: string): string | undefined =>
    values[name] ?? env[`NIXFLEET_${name.toUpperCase().replaceAll('-', '_')}`] ?? defaultOf(name);
  const text = (name: string): string => {
    const value = raw(name);
    if (value === undefined || value === '') throw new OptionError(`--${name} is empty: give a value`);
    return value;
  };
  /** A chart's template sets a variable to nothing where nothing is meant. */
  const optional = (name: string): string | undefined => {
    const value = raw(name);
    return value === '' ? undefined : value;
  };
  const time = (name: string): number => {
    const millis = parseDuration(text(name));
    if (millis === undefined || millis <= 0) {
      throw new OptionError(`--${name} is "${text(name)}": give a time such as 15s, 500ms or 10m`);
    }
    return millis;
  };
  const wholeNumber = (name: string): number => {
    const value = text(name);
    if (/^[1-9]\d{0,6}$/.test(value)) return Number(value);
    throw new OptionError(`--${name} is "${value}": give a whole number from 1 to 9999999`);
  };
  const roles = rolesOf(text('roles'));
  const limits = limitsOf(wholeNumber);
  if (typeof limits === 'string') throw new OptionError(limits);
  return {
    kubeconfig: optional('kubeconfig'),
    namespace: text('namespace'),
    fleetName: text('fleet'),
    roles,
    agentListen: addressOf('agent-listen', text('agent-listen')),
    agentTls: certificateOf(optional('agent-tls-cert'), optional('agent-tls-key'), roles),
    healthListen: addressOf('health-listen', text('health-listen')),
    logLevel: levelOf(text('log-level')),
    tracing: tracingOf(optional('otlp-endpoint'), text('trace-sample-ratio'), env),
    lease: leaseOf(time('lease-duration'), time('lease-renew-deadline'), time('lease-retry-period')),
    pollMaxSeconds: Math.max(1, Math.round(time('poll-max') / 1000)),
    limits,
    settings: {
      ...DEFAULT_SETTINGS,
      planIntervalMs: time('plan-interval'),
      redeliverAfterMs: time('redeliver-after'),
      settleGapMs: time('settle-gap'),
      settleMaxMs: time('settle-max'),
      toldAfterMs: time('told-after'),
      hostBusyMs: time('host-busy'),
      supersededHoldMs: time('superseded-hold'),
      inboxMaxAgeMs: time('inbox-max-age'),
      statusIntervalMs: time('status-interval'),
      verdictDelayMs: time('verdict-delay'),
      retentionIntervalMs: time('retention-interval'),
    },
  };
}

function defaultOf(name: string): string | undefined {
  return FLAGS.find((flag) => flag.name === name)?.default;
}

function rolesOf(text: string): ReadonlySet<Role> {
  const roles = new Set<Role>();
  for (const role of text.split(',').map((part) => part.trim())) {
    if (role !== 'controller' && role !== 'webhook') {
      throw new OptionError(`--roles is "${text}": give controller, webhook or controller,webhook`);
    }
    roles.add(role);
  }
  return roles;
}

function addressOf(name: string, text: string): ListenAddress {
  const match = /^(?<host>\[[^\]]+\]|[^:[\]]*):(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(match?.['port']);
  if (match === undefined || port > 65_535) {
    throw new OptionError(`--${name} is "${text}": give HOST:PORT such as 0.0.0.0:8443`);
  }
  const host = (match['host'] ?? '').replace(/^\[|\]$/g, '');
  return { host: host === '' ? '0.0.0.0' : host, port };
}

function certificateOf(
  certFile: string | undefined,
  keyFile: string | undefined,
  roles: ReadonlySet<Role>,
): ServerCertificateFiles | undefined {
  if (!roles.has('webhook')) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new OptionError(
      'the webhook role needs --agent-tls-cert and --agent-tls-key: give the certificate that agents shall see',
    );
  }
  return { certFile, keyFile };
}

function levelOf(text: string): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new OptionError(`--log-level is "${text}": give debug, info, warn or error`);
}

function leaseOf(
  durationMs: number,
  renewDeadlineMs: number,
  retryPeriodMs: number,
): OperatorOptions['lease'] {
  if (retryPeriodMs >= renewDeadlineMs || renewDeadlineMs >= durationMs) {
    throw new OptionError(
      'leader election needs --lease-retry-period < --lease-renew-deadline < --lease-duration',
    );
  }
  return { durationMs, renewDeadlineMs, retryPeriodMs };
}
