import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/app/option-flag.ts';
import { FLAGS, readOptions, type FlagValues } from '../../../src/app/options.ts';
import { DEFAULT_SETTINGS } from '../../../src/controllers/settings.ts';
import { DEFAULT_WEBHOOK_SETTINGS } from '../../../src/webhook/context.ts';

const TLS = { 'agent-tls-cert': '/tls/tls.crt', 'agent-tls-key': '/tls/tls.key' };

const { maxConnections, handshakesPerSecond, strangerLimit } = DEFAULT_WEBHOOK_SETTINGS;

/** The options of some flags, besides a certificate. */
function options(values: FlagValues = {}, env: Record<string, string> = {}) {
  return readOptions({ ...TLS, ...values }, env);
}

/** What is said about flags that cannot be acted upon. */
function complaint(values: FlagValues, env: Record<string, string> = {}): string {
  try {
    readOptions({ ...TLS, ...values }, env);
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
  return 'none';
}

describe('the options of the operator', () => {
  it('have the defaults that its help prints and its documents name', () => {
    expect(options()).toEqual({
      kubeconfig: undefined,
      namespace: 'nixfleet',
      fleetName: 'fleet',
      roles: new Set(['controller', 'webhook']),
      agentListen: { host: '0.0.0.0', port: 8443 },
      agentTls: { certFile: '/tls/tls.crt', keyFile: '/tls/tls.key' },
      healthListen: { host: '0.0.0.0', port: 8081 },
      logLevel: 'info',
      tracing: undefined,
      lease: { durationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
      pollMaxSeconds: 60,
      limits: { maxConnections, handshakesPerSecond, strangerLimit },
      settings: DEFAULT_SETTINGS,
    });
  });

  it('take a flag before its variable, and a variable before the default', () => {
    const env = { NIXFLEET_NAMESPACE: 'from-env', NIXFLEET_AGENT_LISTEN: ':9443', NIXFLEET_FLEET: 'lab' };
    expect(options({ namespace: 'from-flag' }, env)).toMatchObject({
      namespace: 'from-flag',
      fleetName: 'lab',
      agentListen: { port: 9443 },
    });
  });

  it('set each of the controllers’ times by the flag of its name', () => {
    const times = {
      'plan-interval': 'planIntervalMs',
      'redeliver-after': 'redeliverAfterMs',
      'settle-gap': 'settleGapMs',
      'settle-max': 'settleMaxMs',
      'told-after': 'toldAfterMs',
      'host-busy': 'hostBusyMs',
      'superseded-hold': 'supersededHoldMs',
      'inbox-max-age': 'inboxMaxAgeMs',
      'status-interval': 'statusIntervalMs',
      'verdict-delay': 'verdictDelayMs',
      'retention-interval': 'retentionIntervalMs',
    };
    for (const [flag, member] of Object.entries(times)) {
      expect(options({ [flag]: '1m1ms' }).settings, flag).toEqual({ ...DEFAULT_SETTINGS, [member]: 60_001 });
    }
  });

  it('set the limits of the agent port for a fleet behind one address', () => {
    const { limits } = options({
      'max-connections': '65536',
      'handshakes-per-second': '400',
      'enrolments-per-address': '150',
      'enrolments-per-second': '150',
    });
    expect(limits).toEqual({
      maxConnections: 65_536,
      handshakesPerSecond: 400,
      strangerLimit: {
        perPeer: { perSecond: 150, burst: 1_500 },
        runningPerPeer: 150,
        total: { perSecond: 150, burst: 750, running: 75 },
      },
    });
  });

  it('have a default in the help for every flag that needs one, in a spelling that can be read', () => {
    for (const { name, default: text } of FLAGS) {
      if (text !== undefined) expect(complaint({ [name]: text }), name).toBe('none');
    }
    expect(FLAGS.filter((flag) => flag.default === undefined).map(({ name }) => name)).toEqual([
      'kubeconfig',
      'agent-tls-cert',
      'agent-tls-key',
      'otlp-endpoint',
    ]);
  });

  it('take an empty variable of an optional flag as none', () => {
    expect(options({}, { NIXFLEET_KUBECONFIG: '' }).kubeconfig).toBeUndefined();
    expect(options({}, { NIXFLEET_KUBECONFIG: '/kube/config' }).kubeconfig).toBe('/kube/config');
  });

  it('refuse an empty value where one is needed, though there is a default', () => {
    expect(complaint({ namespace: '' })).toBe('--namespace is empty: give a value');
    expect(complaint({}, { NIXFLEET_FLEET: '' })).toBe('--fleet is empty: give a value');
  });
});

describe('times', () => {
  it.each(['soon', '15', '0s', '0ms', '-1s', '1.5s'])('refuse %s and say what to give', (text) => {
    expect(complaint({ 'plan-interval': text })).toBe(
      `--plan-interval is "${text}": give a time such as 15s, 500ms or 10m`,
    );
  });

  it.each([
    ['90s', 90],
    ['1499ms', 1],
    ['1500ms', 2],
    ['1ms', 1],
  ])('hold a dispatch poll of %s for %d whole seconds, at least one', (text, seconds) => {
    expect(options({ 'poll-max': text }).pollMaxSeconds).toBe(seconds);
  });

  it.each([
    ['retries as rare as the deadline', { 'lease-retry-period': '10s' }],
    ['a deadline as long as the Lease', { 'lease-renew-deadline': '15s' }],
    ['a deadline longer than the Lease', { 'lease-duration': '5s' }],
  ])('refuse %s, because a leader would lead on after its Lease', (_, values) => {
    expect(complaint(values)).toBe(
      'leader election needs --lease-retry-period < --lease-renew-deadline < --lease-duration',
    );
  });
});

describe('limits', () => {
  it.each(['0', '-1', '1.5', '1e3', 'many', '10000000'])('refuse %s and say what to give', (text) => {
    expect(complaint({ 'handshakes-per-second': text })).toBe(
      `--handshakes-per-second is "${text}": give a whole number from 1 to 9999999`,
    );
  });

  it('refuse more from one address than from all together', () => {
    expect(complaint({ 'enrolments-per-address': '101' })).toBe(
      '--enrolments-per-address is 101, more than --enrolments-per-second (100) ever lets in: raise that, too',
    );
    expect(complaint({ 'enrolments-per-address': '100' })).toBe('none');
  });
});

describe('roles', () => {
  it.each([
    ['controller', ['controller']],
    ['webhook', ['webhook']],
    [' webhook , controller ', ['webhook', 'controller']],
    ['webhook,webhook', ['webhook']],
  ])('are read from %j', (text, roles) => {
    expect([...options({ roles: text }).roles]).toEqual(roles);
  });

  it.each(['agent', 'controller,', ','])('are not %j', (text) => {
    expect(complaint({ roles: text })).toBe(
      `--roles is "${text}": give controller, webhook or controller,webhook`,
    );
  });
});

describe('the certificate that agents see', () => {
  it.each([
    ['no certificate', { 'agent-tls-cert': undefined }],
    ['no key', { 'agent-tls-key': undefined }],
    ['an empty certificate', { 'agent-tls-cert': '' }],
    ['an empty key', { 'agent-tls-key': '' }],
  ])('has to be given to the webhook role: %s', (_, values) => {
    expect(complaint(values)).toMatch(/^the webhook role needs --agent-tls-cert and --agent-tls-key/);
    expect(complaint({ ...values, roles: 'controller' })).toBe('none');
  });

  it('is not looked at without the webhook role', () => {
    expect(options({ roles: 'controller' }).agentTls).toBeUndefined();
  });
});

describe('addresses to listen on', () => {
  it.each([
    ['127.0.0.1:8443', '127.0.0.1', 8443],
    [':8443', '0.0.0.0', 8443],
    ['[::1]:8443', '::1', 8443],
    ['localhost:0', 'localhost', 0],
    ['localhost:65535', 'localhost', 65_535],
  ])('are read from %s', (text, host, port) => {
    expect(options({ 'agent-listen': text }).agentListen).toEqual({ host, port });
    expect(options({ 'health-listen': text }).healthListen).toEqual({ host, port });
  });

  it.each([
    '8443',
    'localhost',
    'localhost:',
    'localhost:x',
    'localhost:65536',
    '::1:8443',
    '[]:1',
    'x[::1]:1',
    ':1x',
    'localhost:100000',
  ])('are not %s', (text) => {
    const remedy = `is "${text}": give HOST:PORT such as 0.0.0.0:8443`;
    expect(complaint({ 'agent-listen': text })).toBe(`--agent-listen ${remedy}`);
    expect(complaint({ 'health-listen': text })).toBe(`--health-listen ${remedy}`);
  });
});

describe('the log level', () => {
  it.each(['debug', 'info', 'warn', 'error'])('may be %s', (level) => {
    expect(options({ 'log-level': level }).logLevel).toBe(level);
  });

  it('may be nothing else', () => {
    expect(complaint({ 'log-level': 'trace' })).toBe(
      '--log-level is "trace": give debug, info, warn or error',
    );
  });
});
