// @kubernetes/client-node against a cluster: `node client_node.mjs PACKAGE_FOLDER POD`, KUBECONFIG in the environment.
// Prints one JSON object a step; test_client_node.py says what they must be.
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';

const [folder, pod] = process.argv.slice(2);
const entry = createRequire(`${folder}/package.json`).resolve('@kubernetes/client-node');
const k8s = await import(pathToFileURL(entry).href);
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const namespace = 'default';
const tell = (step, said) => console.log(JSON.stringify({ step, said }));
const named = (name, data) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels: { app: 'node' } }, data });

// An informer sees everything that is done below.
const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'app=node' });
const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, 'app=node');
const seen = [];
let gone;
const all = new Promise((resolve) => { gone = resolve; });
for (const verb of ['add', 'update', 'delete']) {
    informer.on(verb, (object) => { seen.push([verb, object.data]); if (verb === 'delete') gone(); });
}
await informer.start();

const made = await core.createNamespacedConfigMap({ namespace, body: named('node', { a: '1' }) });
tell('create', Boolean(made.metadata.uid));
try {
    await core.createNamespacedConfigMap({ namespace, body: named('node', {}) });
} catch (error) {
    tell('conflict', [error.code, JSON.parse(error.body).reason]);
}
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const merged = await objects.patch(named('node', { b: '2' }), undefined, undefined, undefined, undefined, k8s.PatchStrategy.MergePatch);
tell('merge patch', merged.data);
const applied = await objects.patch(named('node', { c: '3' }), undefined, undefined, 'node', true, k8s.PatchStrategy.ServerSideApply);
tell('apply', applied.metadata.managedFields.filter((entry) => entry.operation === 'Apply').map((entry) => entry.manager));
await core.deleteNamespacedConfigMap({ namespace, name: 'node' });
await all;
await informer.stop();
tell('informer', seen);

const out = new PassThrough();
let text = '';
out.on('data', (part) => { text += part; });
const status = await new Promise((resolve, reject) => {
    new k8s.Exec(config).exec(namespace, pod, 'main', ['sh', '-c', 'echo hi; exit 3'], out, out, null, false, resolve).catch(reject);
});
tell('exec', [text, status.status, status.reason]);

const back = new PassThrough();
const forth = new PassThrough();
const answer = new Promise((resolve) => back.once('data', (part) => resolve(String(part))));
await new k8s.PortForward(config).portForward(namespace, pod, [7070], back, null, forth);
forth.write('hello\n');
tell('port-forward', await answer);

const logged = new PassThrough();
const line = new Promise((resolve) => logged.once('data', (part) => resolve(String(part))));
await new k8s.Log(config).log(namespace, pod, 'main', logged, { follow: false });
tell('log', await line);
process.exit(0);
