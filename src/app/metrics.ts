import type { DomainMetrics } from '../controllers/domain-metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { WebhookMetrics } from '../webhook/webhook-metrics.ts';

/** What the controllers count, under `nixfleet_*` names; no label carries a host, closure or rollout. */
export function registerDomainMetrics(metrics: Metrics): DomainMetrics {
  const judged = metrics.counter({
    name: 'nixfleet_releases_judged_total',
    help: 'Judgements of the release in the source, by outcome.',
    labels: ['reason'],
  });
  const hostTransitions = metrics.counter({
    name: 'nixfleet_host_transitions_total',
    help: 'Changes of state of host records.',
    labels: ['from', 'to'],
  });
  const rolloutTransitions = metrics.counter({
    name: 'nixfleet_rollout_transitions_total',
    help: 'Changes of state of rollouts.',
    labels: ['from', 'to'],
  });
  const refused = metrics.counter({
    name: 'nixfleet_events_refused_total',
    help: 'Inbox entries that the reducer refused.',
    labels: ['reason'],
  });
  const planned = metrics.histogram({ name: 'nixfleet_plan_duration_seconds', help: 'Time of one plan.' });
  const diverged = metrics.counter({
    name: 'nixfleet_plan_divergences_total',
    help: 'Plans that followed the changes and said something else than one of everything.',
  });
  const folded = metrics.histogram({
    name: 'nixfleet_fold_duration_seconds',
    help: 'Time of one fold of an inbox.',
  });
  const blocked = metrics.gauge({
    name: 'nixfleet_hosts_blocked',
    help: 'Hosts that a gate holds.',
    labels: ['gate'],
  });
  const marks = metrics.counter({
    name: 'nixfleet_dispatch_marks_total',
    help: 'Marks that plans made, withdrew, suspended or stamped anew.',
    labels: ['action'],
  });
  return {
    releaseJudged: (reason) => judged.add({ reason }),
    hostTransition: (from, to) => hostTransitions.add({ from, to }),
    rolloutTransition: (from, to) => rolloutTransitions.add({ from, to }),
    eventRefused: (reason) => refused.add({ reason }),
    planned: (seconds) => planned.observe(seconds),
    planDiverged: () => diverged.add(),
    folded: (seconds) => folded.observe(seconds),
    blocked: (counts) => {
      blocked.clear();
      for (const [gate, count] of counts) blocked.set(count, { gate });
    },
    marks: (action, count) => marks.add({ action }, count),
  };
}

/** What the agent webhook counts. */
export function registerWebhookMetrics(metrics: Metrics): WebhookMetrics {
  const answered = metrics.counter({
    name: 'nixfleet_agent_requests_total',
    help: 'Answered requests of agents.',
    labels: ['route', 'status'],
  });
  const dropped = metrics.counter({
    name: 'nixfleet_agent_dropped_total',
    help: 'What agents said and was not stored, by reason.',
    labels: ['route', 'reason'],
  });
  const stored = metrics.counter({
    name: 'nixfleet_agent_events_stored_total',
    help: 'Events stored in an inbox.',
  });
  const delivered = metrics.counter({
    name: 'nixfleet_dispatches_delivered_total',
    help: 'Dispatches handed to hosts.',
  });
  const certificates = metrics.counter({
    name: 'nixfleet_certificate_requests_total',
    help: 'Requests for a certificate, by outcome.',
    labels: ['route', 'outcome'],
  });
  const parked = metrics.gauge({
    name: 'nixfleet_agent_parked_polls',
    help: 'Dispatch polls held at the moment.',
  });
  const refused = metrics.counter({
    name: 'nixfleet_agent_connections_refused_total',
    help: 'Connections that ended before a request was read.',
    labels: ['reason'],
  });
  return {
    answered: (route, status) => answered.add({ route, status: String(status) }),
    dropped: (route, reason) => dropped.add({ route, reason }),
    eventStored: () => stored.add(),
    certificateJudged: (route, outcome) => certificates.add({ route, outcome }),
    delivered: () => delivered.add(),
    parkedPolls: (count) => parked.set(count),
    connectionRefused: (reason) => refused.add({ reason }),
  };
}
