/** Addresses inside the node's own network namespace, so that they can be fixed; none of them leaves it. */
export const ADDRESSES = {
  /** What the node's own programs use, and where the API server is reached by them. */
  node: '198.51.100.1',
  /** The first address of the Service range, which is the API's. An address of "lo": Pods need no proxy for it. */
  apiService: '10.96.0.1',
  serviceRange: '10.96.0.0/24',
  podRange: '10.244.0.0/24',
  etcd: 'http://127.0.0.1:2479',
  etcdPeer: 'http://127.0.0.1:2480',
} as const;

/** Name of the one node. */
export const NODE_NAME = 'node1';

/** Name of the cgroup that everything of the node's containers is under. */
export const CGROUP = 'nixfleet-cluster';

/** The image that holds a Pod's namespaces. */
export const PAUSE_IMAGE = 'localhost/pause:local';
