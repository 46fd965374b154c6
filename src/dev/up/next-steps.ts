import { CN_SUFFIX, FLEET, NAMESPACE } from '../local/installation.ts';
import { OPERATOR_COMMAND } from '../local/publish.ts';
import { SAMPLE_CONFIG_MAP, SAMPLE_HOST, SAMPLE_PRIOR, SAMPLE_ROLLOUT, SAMPLE_TARGET } from './sample.ts';

/** Where everything is. */
export interface Whereabouts {
  readonly kubeconfig: string;
  readonly folder: string;
  readonly agentUrl: string;
  /** A kubectl that works here. */
  readonly kubectl: string;
  /** Seconds between the two reports that settle a new host. */
  readonly settleSeconds: number;
}

/**
 * What to type next, as one shell script in parts: each part can be pasted on its own once the first has been, and the
 * whole can be run.
 */
export function nextSteps({ kubeconfig, folder, agentUrl, kubectl, settleSeconds }: Whereabouts): string {
  const json = "-H 'content-type: application/json'";
  return `# What the commands below use
export KUBECONFIG='${kubeconfig}'
cd '${folder}'
url='${agentUrl}'
rollout='${SAMPLE_ROLLOUT}'
target='${SAMPLE_TARGET}'
prior='${SAMPLE_PRIOR}'
kubectl() { command '${kubectl}' -n ${NAMESPACE} "$@"; }
agent() { curl -sS --cacert agent-ca.pem --cert ${SAMPLE_HOST}.pem --key ${SAMPLE_HOST}-key.pem "$@"; }
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# Sign a release and apply it; sign again at least hourly, because agents refuse what is older
'${OPERATOR_COMMAND}' release --fleet sample/fleet.resolved.json --key ci-key.pem \\
  --config-map ${SAMPLE_CONFIG_MAP} --namespace ${NAMESPACE} | kubectl apply --server-side -f -
kubectl apply --server-side -f sample/fleet.yaml
kubectl wait --for=condition=Ready --timeout=30s fleets.nixfleet.dev/${FLEET}
kubectl get nixfleet

# Act as the agent of ${SAMPLE_HOST}: report what it runs, twice, so that the operator knows it does not switch just now
heartbeat() { agent ${json} -d '{"hostname":"${SAMPLE_HOST}","current_closure":"'"$1"'","at":"'"$(now)"'"}' "$url/v1/agent/heartbeat"; echo; }
heartbeat "$prior"
sleep ${settleSeconds + 1}
heartbeat "$prior"

# Wait for the dispatch (held for up to a minute), then report what an agent would
agent "$url/v1/agent/dispatch?wait=60"; echo
event() { agent ${json} -w '%{http_code}\\n' -d '{"hostname":"${SAMPLE_HOST}","rolloutId":"'"$rollout"'","event":'"$1"'}' "$url/v1/agent/events"; }
event '{"kind":"DispatchAck","currentClosureAtDispatch":"'"$target"'","receivedAt":"'"$(now)"'","seq":1}'
event '{"kind":"ActivationStarted","startedAt":"'"$(now)"'","switchMethod":"switch-to-configuration","seq":2}'
event '{"kind":"ActivationCompleted","observedCurrentClosure":"'"$target"'","exitCode":0,"completedAt":"'"$(now)"'","seq":3}'
sleep 1
event '{"kind":"Converged","convergedAt":"'"$(now)"'","currentClosure":"'"$target"'","seq":4}'
heartbeat "$target"
kubectl wait --for=jsonpath='{.status.state}'=Terminal --timeout=30s rollouts.nixfleet.dev --all
kubectl get rollouts.nixfleet.dev,hostrolloutrecords.nixfleet.dev,hosts.nixfleet.dev
kubectl explain rollouts.nixfleet.dev.status

# A certificate for another host
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=agent-web-02.${CN_SUFFIX}' \\
  -keyout web-02-key.pem -out web-02.csr
openssl x509 -req -in web-02.csr -CA agent-ca.pem -CAkey agent-ca-key.pem -days 30 -out web-02.pem
curl -sS --cacert agent-ca.pem --cert web-02.pem --key web-02-key.pem "$url/v1/whoami"; echo
`;
}
