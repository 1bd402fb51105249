import type { Suite } from './root.ts';
import type { Argv } from './run.ts';

// Everything that a CIB can contain, on top of the storage topology: every kind of resource, constraint, rule and set that the
// schema of each Debian's Pacemaker allows, and values that are awkward to quote. It is written as XML, so
// that it can be compared with the schemas (/usr/share/pacemaker/*.rng).

/** Runs a command that has to succeed in a node of the lab. */
type RunInNode = (argv: Argv, input?: string) => Promise<string>;

/** The parts of a lab that are needed here. */
interface Target {
  readonly suite: Suite;
  readonly nodes: readonly { readonly name: string }[];
}

/** Each part is a secret. Together they are hard to mask in text: blanks, quotes, entities. */
export const secretParts = ['hunter2', 'horse9', 'battery7', 'staple5'] as const;
const secret = 'hunter2 &quot;horse9&apos; &amp;battery7 &lt;staple5';

const settle = ['crm_resource', '--wait', '--timeout=90'] as const;

/**
 * Brings a storage lab of two nodes or more into the state "everything": the configuration below, a failed resource, an
 * orphaned one, a ban, a fencing that failed, and the second node in standby and in maintenance with resources still
 * running on it. Returns when the cluster has nothing left to do.
 */
export async function loadEverything({ suite, nodes }: Target, run: RunInNode): Promise<void> {
  const [first = '', second = ''] = nodes.map(({ name }) => name);
  const load = ['--modify', '--allow-create', '--scope', 'configuration', '--xml-pipe'] as const;
  await run(['cibadmin', ...load], everythingConfiguration(suite, first, second));
  await run(settle);
  await run(['crm_resource', '--fail', '--resource', 'Fails', '--node', first]);
  await run(['crm_resource', '--ban', '--resource', 'Banned', '--node', second]);
  await run(['cibadmin', '--delete', '--xml-text', '<primitive id="Orphan"/>']);
  // In addition to the permanent one of that name, and before it.
  await run([...transient(first), '--update', '7']);
  // The lab's power switch does not know this node.
  await run(['sh', '-c', '! stonith_admin --reboot no-such-node --timeout 5']);
  await run(settle);
  // Maintenance comes first, so that the node's resources stay there when it goes into standby.
  for (const state of ['maintenance', 'standby']) {
    await run(['crm_attribute', '--node', second, '--name', state, '--update', 'true']);
  }
  await run(settle);
}

/**
 * Brings a lab back from the state "everything".
 * @param configuration the former `<configuration>`
 */
export async function unloadEverything(
  { nodes }: Target,
  configuration: string,
  run: RunInNode,
): Promise<void> {
  const [first = ''] = nodes.map(({ name }) => name);
  await run(['cibadmin', '--replace', '--scope', 'configuration', '--xml-pipe'], configuration);
  await run(settle);
  // Pacemaker remembers guest nodes that no longer exist.
  for (const guest of ['Container-0', 'Container-1']) {
    await run(['crm_node', '--force', '--remove', guest]);
  }
  await run(['stonith_admin', '--cleanup', '--history=*']);
  await run([...transient(first), '--delete']);
}

const transient = (node: string) =>
  ['crm_attribute', '--lifetime', 'reboot', '--node', node, '--name', 'rack'] as const;

/** The `<configuration>` that is merged into that of the storage topology. */
function everythingConfiguration(suite: Suite, first: string, second: string): string {
  return `
<configuration>
  <crm_config>${properties}</crm_config>
  <nodes>${nodes(first, second)}</nodes>
  <resources>${resources}${suite === 'trixie' ? '' : untilPacemaker2.resources}</resources>
  <constraints>
    ${constraints(first, second, suite === 'bullseye' ? oldRoles : newRoles)}
    ${suite === 'trixie' ? '' : untilPacemaker2.constraints}
    ${suite === 'bullseye' ? '' : sincePacemaker21}
  </constraints>
  <fencing-topology>${fencingTopology(first)}</fencing-topology>
  ${otherSections}
</configuration>`;
}

const oldRoles = { promoted: 'Master', unpromoted: 'Slave' };
const newRoles = { promoted: 'Promoted', unpromoted: 'Unpromoted' };

const properties = `
<cluster_property_set id="cib-bootstrap-options">
  <nvpair id="cib-bootstrap-options-stop-orphan-resources" name="stop-orphan-resources" value="false"/>
  <nvpair id="cib-bootstrap-options-batch-limit" name="batch-limit" value="20"/>
  <nvpair id="cib-bootstrap-options-unknown" name="unknown-to-Pacemaker" value=" &quot;quoted&quot; &lt; &amp; "/>
  <nvpair id="cib-bootstrap-options-empty" name="empty-value" value=""/>
</cluster_property_set>
<cluster_property_set id="options-low" score="5">
  <nvpair id="options-low-batch-limit" name="batch-limit" value="30"/>
  <nvpair id="options-low-recheck" name="cluster-recheck-interval" value="11min"/>
  <nvpair id="options-low-escalation" name="shutdown-escalation" value="21min"/>
</cluster_property_set>
<cluster_property_set id="options-high" score="10">
  <nvpair id="options-high-recheck" name="cluster-recheck-interval" value="12min"/>
</cluster_property_set>
<cluster_property_set id="options-night" score="100">
  <rule id="options-night-rule" score="0" boolean-op="and">
    <date_expression id="options-night-date" operation="date_spec">
      <date_spec id="options-night-spec" hours="0-6" weekdays="6-7"/>
    </date_expression>
  </rule>
  <nvpair id="options-night-escalation" name="shutdown-escalation" value="5min"/>
</cluster_property_set>`;

const nodes = (first: string, second: string) => `
<node id="1" uname="${first}" description="rack 1, &quot;left&quot;">
  <instance_attributes id="nodes-1">
    <nvpair id="nodes-1-rack" name="rack" value="1"/>
    <nvpair id="nodes-1-proto" name="__proto__" value="a name that JavaScript knows"/>
    <nvpair id="nodes-1-size" name="&lt;TB&gt; Gr&#246;&#223;e" value="100 &amp; more"/>
  </instance_attributes>
  <instance_attributes id="nodes-1-more" score="-1">
    <nvpair id="nodes-1-more-rack" name="rack" value="2"/>
    <nvpair id="nodes-1-more-room" name="room" value="cellar"/>
  </instance_attributes>
  <instance_attributes id="nodes-1-ruled">
    <rule id="nodes-1-rule" score="0">
      <date_expression id="nodes-1-date" operation="gt" start="2001-01-01"/>
    </rule>
    <nvpair id="nodes-1-ruled-century" name="century" value="21st"/>
  </instance_attributes>
  <utilization id="nodes-1-utilization">
    <nvpair id="nodes-1-utilization-cpu" name="cpu" value="8"/>
    <nvpair id="nodes-1-utilization-memory" name="memory" value="4096"/>
  </utilization>
</node>
<node id="2" uname="${second}">
  <instance_attributes id="nodes-2">
    <nvpair id="nodes-2-rack" name="rack" value="2"/>
  </instance_attributes>
</node>`;

const resources = `
<!-- Pacemaker keeps comments -->
<primitive id="Plain" class="ocf" provider="pacemaker" type="Dummy"
    description="&quot;quoted&quot; &apos;single&apos; &lt;tag/&gt; &amp;amp;&#10;second line&#9;tab, Gr&#252;&#223;e &#26085;&#26412; &#128640;">
  <instance_attributes id="Plain-params">
    <nvpair id="Plain-params-fake" name="fake" value="  a &quot;b&quot; &apos;c&apos; &lt;d&gt; &amp;e;&#10;f &#246;  "/>
    <nvpair id="Plain-params-passwd" name="passwd" value="${secret}"/>
  </instance_attributes>
  <utilization id="Plain-utilization">
    <nvpair id="Plain-utilization-cpu" name="cpu" value="1"/>
  </utilization>
  <utilization id="Plain-utilization-more" score="3">
    <nvpair id="Plain-utilization-more-cpu" name="cpu" value="2"/>
  </utilization>
  <operations id="Plain-operations">
    <op id="Plain-monitor-10" name="monitor" interval="10s" timeout="20s" on-fail="restart" record-pending="false"/>
    <op id="Plain-monitor-60" name="monitor" interval="60s" timeout="20s" enabled="false" description="the deep one">
      <instance_attributes id="Plain-monitor-60-params">
        <nvpair id="Plain-monitor-60-params-level" name="OCF_CHECK_LEVEL" value="10"/>
      </instance_attributes>
      <meta_attributes id="Plain-monitor-60-meta">
        <nvpair id="Plain-monitor-60-meta-failures" name="note" value="tolerant"/>
      </meta_attributes>
    </op>
    <op id="Plain-start" name="start" interval="0s" timeout="1min" start-delay="0s"/>
    <op id="Plain-stop" name="stop" interval="0s" timeout="60" on-fail="block"/>
  </operations>
</primitive>
<primitive id="Sets" class="ocf" provider="pacemaker" type="Dummy">
  <instance_attributes id="Sets-params-1" score="1">
    <nvpair id="Sets-params-1-fake" name="fake" value="of score 1"/>
    <nvpair id="Sets-params-1-sleep" name="op_sleep" value="0"/>
  </instance_attributes>
  <instance_attributes id="Sets-params-infinity" score="INFINITY">
    <nvpair id="Sets-params-infinity-fake" name="fake" value="of score INFINITY"/>
  </instance_attributes>
  <instance_attributes id="Sets-params-first" score="1000000">
    <rule id="Sets-params-first-rule" score="0">
      <expression id="Sets-params-first-expression" attribute="#uname" operation="eq" value="no-such-node" type="string"/>
    </rule>
    <nvpair id="Sets-params-first-fake" name="fake" value="of a rule"/>
  </instance_attributes>
  <meta_attributes id="Sets-meta">
    <nvpair id="Sets-meta-stickiness" name="resource-stickiness" value="50"/>
    <nvpair id="Sets-meta-priority" name="priority" value="1"/>
    <nvpair id="Sets-meta-priority-again" name="priority" value="4"/>
    <nvpair id="Sets-meta-note" name="note" value="of the first of equals"/>
  </meta_attributes>
  <meta_attributes id="Sets-meta-equal" score="0">
    <nvpair id="Sets-meta-equal-note" name="note" value="of the last of equals"/>
  </meta_attributes>
  <meta_attributes id="Sets-meta-negative" score="-10">
    <nvpair id="Sets-meta-negative-priority" name="priority" value="2"/>
    <nvpair id="Sets-meta-negative-threshold" name="migration-threshold" value="3"/>
  </meta_attributes>
  <meta_attributes id="Sets-meta-hours">
    <rule id="Sets-meta-hours-rule" score="0" boolean-op="or">
      <date_expression id="Sets-meta-hours-spec" operation="date_spec">
        <date_spec id="Sets-meta-hours-date_spec" hours="9-16" weekdays="1-5" months="1-6"/>
      </date_expression>
      <date_expression id="Sets-meta-hours-range" operation="in_range" start="2001-01-01">
        <duration id="Sets-meta-hours-duration" years="1" months="2"/>
      </date_expression>
      <date_expression id="Sets-meta-hours-before" operation="lt" end="2002-02-02 10:00"/>
      <rule id="Sets-meta-hours-inner" score="0" boolean-op="and">
        <date_expression id="Sets-meta-hours-after" operation="gt" start="2199-01-01"/>
        <date_expression id="Sets-meta-hours-between" operation="in_range" start="2199-01-01" end="2199-02-01"/>
      </rule>
    </rule>
    <nvpair id="Sets-meta-hours-stickiness" name="resource-stickiness" value="INFINITY"/>
  </meta_attributes>
  <operations>
    <op id="Sets-monitor" name="monitor" interval="33s"/>
  </operations>
</primitive>
<primitive id="Bare" class="ocf" provider="heartbeat" type="Dummy"/>
<primitive id="Unmanaged" class="ocf" provider="pacemaker" type="Dummy">
  <meta_attributes id="Unmanaged-meta">
    <nvpair id="Unmanaged-meta-managed" name="is-managed" value="false"/>
  </meta_attributes>
  <operations id="Unmanaged-operations"/>
</primitive>
<primitive id="constructor" class="ocf" provider="pacemaker" type="Dummy" description="an id that JavaScript knows">
  <meta_attributes id="constructor-meta">
    <nvpair id="constructor-meta-role" name="target-role" value="Stopped"/>
    <nvpair id="constructor-meta-proto" name="__proto__" value="x"/>
  </meta_attributes>
  <operations>
    <op id="constructor-op" name="toString" interval="0s" timeout="7s"/>
  </operations>
</primitive>
<primitive id="Banned" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="Fails" class="ocf" provider="pacemaker" type="Dummy">
  <operations>
    <op id="Fails-monitor" name="monitor" interval="30s" on-fail="ignore"/>
  </operations>
</primitive>
<primitive id="Orphan" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="NeedsTicket" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="NeedsTicket2" class="ocf" provider="pacemaker" type="Dummy"/>
<template id="DummyTemplate" class="ocf" provider="pacemaker" type="Dummy" description="for others">
  <instance_attributes id="DummyTemplate-params">
    <nvpair id="DummyTemplate-params-fake" name="fake" value="of the template"/>
  </instance_attributes>
  <meta_attributes id="DummyTemplate-meta">
    <nvpair id="DummyTemplate-meta-stickiness" name="resource-stickiness" value="7"/>
  </meta_attributes>
  <utilization id="DummyTemplate-utilization">
    <nvpair id="DummyTemplate-utilization-cpu" name="cpu" value="2"/>
  </utilization>
  <operations>
    <op id="DummyTemplate-monitor" name="monitor" interval="15s" timeout="15s"/>
  </operations>
</template>
<primitive id="FromTemplate" template="DummyTemplate">
  <meta_attributes id="FromTemplate-meta">
    <nvpair id="FromTemplate-meta-priority" name="priority" value="5"/>
  </meta_attributes>
  <operations>
    <op id="FromTemplate-start" name="start" interval="0" timeout="15s"/>
  </operations>
</primitive>
<template id="FenceTemplate" class="stonith" type="fence_lab">
  <operations>
    <op id="FenceTemplate-monitor" name="monitor" interval="120s"/>
  </operations>
</template>
<primitive id="fence-template" template="FenceTemplate">
  <instance_attributes id="fence-template-params">
    <nvpair id="fence-template-params-list" name="pcmk_host_list" value="no-such-node"/>
  </instance_attributes>
</primitive>
<primitive id="fence-secret" class="stonith" type="fence_lab">
  <instance_attributes id="fence-secret-params">
    <nvpair id="fence-secret-params-list" name="pcmk_host_list" value="no-such-node"/>
    <nvpair id="fence-secret-params-passwd" name="passwd" value="${secret}"/>
    <nvpair id="fence-secret-params-snmp" name="snmp_priv_passwd" value="${secret}"/>
    <nvpair id="fence-secret-params-ssh" name="ssh_key" value="${secret}"/>
    <nvpair id="fence-secret-params-login" name="login" value="admin &amp; co"/>
  </instance_attributes>
  <meta_attributes id="fence-secret-meta">
    <nvpair id="fence-secret-meta-provides" name="provides" value="unfencing-not"/>
  </meta_attributes>
  <operations>
    <op id="fence-secret-monitor" name="monitor" interval="90s" timeout="30s" on-fail="ignore"/>
  </operations>
</primitive>
<primitive id="Refers" class="ocf" provider="pacemaker" type="Dummy">
  <instance_attributes id="Refers-params">
    <nvpair id-ref="Plain-params-fake"/>
    <nvpair id="Refers-params-sleep" name="op_sleep" value="0"/>
  </instance_attributes>
  <meta_attributes id-ref="Sets-meta"/>
  <operations id-ref="Plain-operations"/>
</primitive>
<group id="Files" description="a group">
  <primitive id="Mount" class="ocf" provider="pacemaker" type="Dummy">
    <operations>
      <op id="Mount-monitor" name="monitor" interval="21s"/>
    </operations>
  </primitive>
  <primitive id="Export" class="ocf" provider="pacemaker" type="Dummy"/>
  <instance_attributes id="Files-params">
    <nvpair id="Files-params-fake" name="fake" value="for all inside"/>
  </instance_attributes>
  <meta_attributes id="Files-meta">
    <nvpair id="Files-meta-role" name="target-role" value="Started"/>
  </meta_attributes>
</group>
<group id="OneOnly">
  <primitive id="Alone" class="ocf" provider="pacemaker" type="Dummy"/>
  <meta_attributes id="OneOnly-meta"/>
</group>
<clone id="Everywhere-clone">
  <primitive id="Everywhere" class="ocf" provider="pacemaker" type="Dummy"/>
  <meta_attributes id="Everywhere-clone-meta">
    <nvpair id="Everywhere-clone-meta-interleave" name="interleave" value="true"/>
  </meta_attributes>
</clone>
<clone id="Web-clone" description="a cloned group">
  <group id="Web">
    <primitive id="WebAddress" class="ocf" provider="pacemaker" type="Dummy"/>
    <primitive id="WebServer" class="ocf" provider="pacemaker" type="Dummy"/>
    <meta_attributes id="Web-meta">
      <nvpair id="Web-meta-stickiness" name="resource-stickiness" value="3"/>
    </meta_attributes>
  </group>
</clone>
<clone id="Numbered-clone">
  <meta_attributes id="Numbered-clone-meta">
    <nvpair id="Numbered-clone-meta-unique" name="globally-unique" value="true"/>
    <nvpair id="Numbered-clone-meta-max" name="clone-max" value="3"/>
    <nvpair id="Numbered-clone-meta-node-max" name="clone-node-max" value="2"/>
  </meta_attributes>
  <primitive id="Numbered" class="ocf" provider="pacemaker" type="Dummy"/>
</clone>
<clone id="Database-clone">
  <primitive id="Database" class="ocf" provider="pacemaker" type="Stateful">
    <operations>
      <op id="Database-monitor-promoted" name="monitor" interval="11s" timeout="20s" role="Master" on-fail="demote"/>
      <op id="Database-monitor-unpromoted" name="monitor" interval="12s" timeout="20s" role="Slave"/>
      <op id="Database-promote" name="promote" interval="0s" timeout="13s"/>
    </operations>
  </primitive>
  <meta_attributes id="Database-clone-meta">
    <nvpair id="Database-clone-meta-promotable" name="promotable" value="true"/>
    <nvpair id="Database-clone-meta-max" name="promoted-max" value="1"/>
  </meta_attributes>
</clone>
<clone id="Cache-clone">
  <primitive id="Cache" class="ocf" provider="pacemaker" type="Stateful"/>
  <meta_attributes id="Cache-clone-meta">
    <nvpair id="Cache-clone-meta-promotable" name="promotable" value="true"/>
  </meta_attributes>
</clone>
<bundle id="Container" description="with all that a bundle has">
  <meta_attributes id="Container-meta">
    <nvpair id="Container-meta-role" name="target-role" value="Stopped"/>
  </meta_attributes>
  <podman image="registry.example/web:1" replicas="2" replicas-per-host="1" run-command="/usr/sbin/pacemaker-remoted" network="host" options="--log-driver=&quot;journald&quot;" promoted-max="1"/>
  <network ip-range-start="192.0.2.10" control-port="3121" host-interface="eth0" host-netmask="24" add-host="true">
    <port-mapping id="Container-port-80" port="80" internal-port="8080"/>
    <port-mapping id="Container-port-range" range="1000-1010"/>
  </network>
  <storage>
    <storage-mapping id="Container-storage-1" source-dir="/srv/web" target-dir="/var/www" options="ro,Z"/>
    <storage-mapping id="Container-storage-2" source-dir-root="/srv/log" target-dir="/var/log"/>
  </storage>
  <primitive id="InContainer" class="ocf" provider="pacemaker" type="Dummy">
    <meta_attributes id="InContainer-meta">
      <nvpair id="InContainer-meta-note" name="note" value="inside"/>
    </meta_attributes>
  </primitive>
</bundle>
<bundle id="Hollow">
  <meta_attributes id="Hollow-meta">
    <nvpair id="Hollow-meta-role" name="target-role" value="Stopped"/>
  </meta_attributes>
  <docker image="registry.example/hollow"/>
</bundle>`;

const constraints = (first: string, second: string, { promoted, unpromoted }: typeof newRoles) => `
<rsc_location id="l-prefers" rsc="Plain" node="${first}" score="100" resource-discovery="always"/>
<rsc_location id="l-zero" rsc="Plain" node="${second}" score="0"/>
<rsc_location id="l-avoids" rsc="Sets" node="${second}" score="-5" resource-discovery="never"/>
<rsc_location id="l-pattern" rsc-pattern="^(Mount|Files)$" node="${first}" score="10"/>
<rsc_location id="l-role" rsc="Database-clone" role="${promoted}" node="${first}" score="7"/>
<rsc_location id="l-tag" rsc="tagged" node="${first}" score="3"/>
<rsc_location id="l-sets" node="${first}" score="2">
  <resource_set id="l-sets-1" role="Started" score="4">
    <resource_ref id="Bare"/>
    <resource_ref id="Banned"/>
  </resource_set>
  <resource_set id="l-sets-2">
    <resource_ref id="Fails"/>
  </resource_set>
</rsc_location>
<rsc_location id="l-set" node="${second}" score="-INFINITY">
  <resource_set id="l-set-1" sequential="false">
    <resource_ref id="constructor"/>
  </resource_set>
</rsc_location>
<rsc_location id="l-rule" rsc="Bare">
  <rule id="l-rule-1" score="20" boolean-op="and" role="Started">
    <expression id="l-rule-1-uname" attribute="#uname" operation="ne" value="no &quot;such&quot; &lt;node&gt;"/>
    <expression id="l-rule-1-rack" attribute="rack" operation="gte" value="1" type="number"/>
    <expression id="l-rule-1-defined" attribute="rack" operation="defined"/>
    <rule id="l-rule-1-inner" score="0" boolean-op="or">
      <date_expression id="l-rule-1-date" operation="in_range" start="2001-01-01" end="2199-12-31"/>
      <date_expression id="l-rule-1-spec" operation="date_spec">
        <date_spec id="l-rule-1-date_spec" years="2026" monthdays="1-7" weekdays="1"/>
      </date_expression>
    </rule>
  </rule>
</rsc_location>
<rsc_location id="l-attribute" rsc="Banned">
  <rule id="l-attribute-rule" score-attribute="rack">
    <expression id="l-attribute-value" attribute="#kind" operation="eq" value="cluster" value-source="literal"/>
  </rule>
</rsc_location>
<rsc_location id="l-rule-sets">
  <resource_set id="l-rule-sets-1">
    <resource_ref id="Mount"/>
  </resource_set>
  <rule id="l-rule-sets-rule" score="1">
    <expression id="l-rule-sets-expression" attribute="rack" operation="not_defined"/>
  </rule>
</rsc_location>
<rsc_location id="l-rule-reference" rsc="Refers">
  <rule id-ref="l-rule-1"/>
</rsc_location>

<rsc_order id="o-bare" first="Plain" then="Sets"/>
<rsc_order id="o-actions" first="Database-clone" first-action="promote" then="Bare" kind="Optional" require-all="false"/>
<rsc_order id="o-then" first="Plain" first-action="stop" then="Banned" then-action="start" symmetrical="false" kind="Optional"/>
<rsc_order id="o-serialize" first="Plain" then="Fails" kind="Serialize" symmetrical="false"/>
<rsc_order id="o-old" first="Bare" then="Fails" score="0"/>
<rsc_order id="o-scored" first="Bare" then="Unmanaged" score="1"/>
<rsc_order id="o-set" kind="Optional" symmetrical="true">
  <resource_set id="o-set-1" sequential="false" require-all="false">
    <resource_ref id="Plain"/>
    <resource_ref id="Bare"/>
  </resource_set>
</rsc_order>
<rsc_order id="o-sets">
  <resource_set id="o-sets-1" sequential="false" require-all="false" action="start">
    <resource_ref id="Sets"/>
    <resource_ref id="Bare"/>
  </resource_set>
  <resource_set id="o-sets-2" sequential="true" role="Started">
    <resource_ref id="Mount"/>
    <resource_ref id="Banned"/>
  </resource_set>
  <resource_set id="o-sets-3">
    <resource_ref id="Unmanaged"/>
  </resource_set>
</rsc_order>

<rsc_colocation id="c-bare" rsc="Export" with-rsc="Mount"/>
<rsc_colocation id="c-roles" rsc="Plain" rsc-role="Started" with-rsc="Database-clone" with-rsc-role="${promoted}" score="5"/>
<rsc_colocation id="c-apart" rsc="Sets" with-rsc="Bare" score="-1" node-attribute="rack"/>
<rsc_colocation id="c-set" score="11">
  <resource_set id="c-set-1" sequential="false">
    <resource_ref id="Plain"/>
    <resource_ref id="Fails"/>
  </resource_set>
</rsc_colocation>
<rsc_colocation id="c-sets" score="12">
  <resource_set id="c-sets-1" sequential="true" role="Started">
    <resource_ref id="Banned"/>
    <resource_ref id="Unmanaged"/>
  </resource_set>
  <resource_set id="c-sets-2" role="${unpromoted}" score="13">
    <resource_ref id="Database-clone"/>
  </resource_set>
</rsc_colocation>
<rsc_colocation id="c-set-bare">
  <resource_set id="c-set-bare-1">
    <resource_ref id="Everywhere-clone"/>
    <resource_ref id="Web-clone"/>
  </resource_set>
</rsc_colocation>
<rsc_colocation id="c-reference" score="14">
  <resource_set id-ref="c-set-1"/>
</rsc_colocation>

<rsc_ticket id="t-bare" ticket="ticketA" rsc="NeedsTicket"/>
<rsc_ticket id="t-policy" ticket="ticket &amp; B" rsc="Cache-clone" rsc-role="${promoted}" loss-policy="demote"/>
<rsc_ticket id="t-set" ticket="ticketC" loss-policy="stop">
  <resource_set id="t-set-1" role="Started">
    <resource_ref id="NeedsTicket2"/>
  </resource_set>
</rsc_ticket>
<rsc_ticket id="t-sets" ticket="ticketC">
  <resource_set id="t-sets-1">
    <resource_ref id="NeedsTicket"/>
    <resource_ref id="NeedsTicket2"/>
  </resource_set>
  <resource_set id="t-sets-2" sequential="false">
    <resource_ref id="Container"/>
  </resource_set>
</rsc_ticket>`;

/** Elements that Pacemaker 3 has dropped. */
const untilPacemaker2 = {
  resources: `
<master id="Queue-master">
  <primitive id="Queue" class="ocf" provider="pacemaker" type="Stateful"/>
  <meta_attributes id="Queue-master-meta">
    <nvpair id="Queue-master-meta-max" name="master-max" value="1"/>
  </meta_attributes>
</master>
<primitive id="NoValue" class="ocf" provider="pacemaker" type="Dummy">
  <meta_attributes id="NoValue-meta">
    <nvpair id="NoValue-meta-note" name="note"/>
    <nvpair id="NoValue-meta-priority" name="priority" value="0"/>
  </meta_attributes>
</primitive>`,
  constraints: `
<rsc_location id="l-rules" rsc="Fails">
  <rule id="l-rules-1" score="1">
    <expression id="l-rules-1-expression" attribute="rack" operation="eq" value="1"/>
  </rule>
  <rule id="l-rules-2" score="2">
    <expression id="l-rules-2-expression" attribute="rack" operation="eq" value="2"/>
  </rule>
</rsc_location>
<rsc_location id="l-lifetime" rsc="Fails" node="no-such-node" score="-INFINITY">
  <lifetime>
    <rule id="l-lifetime-rule" score="0">
      <date_expression id="l-lifetime-date" operation="lt" end="2199-01-01"/>
    </rule>
  </lifetime>
</rsc_location>`,
};

const sincePacemaker21 = `
<rsc_colocation id="c-influence" rsc="Bare" with-rsc="Plain" score="1" influence="false"/>`;

const fencingTopology = (node: string) => `
<fencing-level id="level-node-3" target="${node}" index="3" devices="fence-secret,fence-template"/>
<fencing-level id="level-pattern-2" target-pattern="^remote-[0-9]+$" index="2" devices="fence-template"/>
<fencing-level id="level-attribute-1" target-attribute="rack" target-value="9 &amp; &quot;10&quot;" index="1" devices="fence-secret"/>
<fencing-level id="level-pattern-1" target-pattern="^remote-[0-9]+$" index="1" devices="fence-secret"/>
<fencing-level id="level-attribute-other" target-attribute="rack" target-value="11" index="1" devices="fence-template,fence-secret"/>`;

const otherSections = `
<rsc_defaults>
  <meta_attributes id="rsc-defaults">
    <nvpair id="rsc-defaults-threshold" name="migration-threshold" value="5000"/>
  </meta_attributes>
  <meta_attributes id="rsc-defaults-dummies" score="2">
    <rule id="rsc-defaults-dummies-rule" score="0" boolean-op="and">
      <rsc_expression id="rsc-defaults-dummies-type" class="ocf" provider="pacemaker" type="Dummy"/>
    </rule>
    <nvpair id="rsc-defaults-dummies-timeout" name="failure-timeout" value="1h"/>
  </meta_attributes>
</rsc_defaults>
<op_defaults>
  <meta_attributes id="op-defaults">
    <nvpair id="op-defaults-timeout" name="timeout" value="30s"/>
  </meta_attributes>
  <meta_attributes id="op-defaults-monitors">
    <rule id="op-defaults-monitors-rule" score="0">
      <op_expression id="op-defaults-monitors-op" name="monitor" interval="77s"/>
    </rule>
    <nvpair id="op-defaults-monitors-timeout" name="timeout" value="31s"/>
  </meta_attributes>
</op_defaults>
<alerts>
  <alert id="tell" path="/bin/true" description="tells nobody">
    <select>
      <select_attributes>
        <attribute id="tell-attribute" name="no-such-attribute"/>
      </select_attributes>
    </select>
    <meta_attributes id="tell-meta">
      <nvpair id="tell-meta-timeout" name="timeout" value="15s"/>
    </meta_attributes>
    <instance_attributes id="tell-params">
      <nvpair id="tell-params-password" name="smtp_password" value="${secret}"/>
    </instance_attributes>
    <recipient id="tell-nobody" value="nobody"/>
    <recipient id="tell-somebody" value="somebody@example &lt;x&gt;">
      <instance_attributes id="tell-somebody-params">
        <nvpair id="tell-somebody-params-token" name="token" value="${secret}"/>
      </instance_attributes>
    </recipient>
  </alert>
  <alert id="tell-all" path="/bin/true"><select><!-- nothing in particular --></select></alert>
</alerts>
<tags>
  <tag id="tagged">
    <obj_ref id="Mount"/>
    <obj_ref id="Bare"/>
  </tag>
  <tag id="more"><obj_ref id="l-prefers"/></tag>
</tags>
<acls>
  <acl_role id="reader" description="reads &amp; nothing else">
    <acl_permission id="reader-read" kind="read" xpath="/cib[@epoch &gt; 0]"/>
    <acl_permission id="reader-deny" kind="deny" reference="fence-secret"/>
    <acl_permission id="reader-write" kind="write" object-type="nvpair" attribute="value" description="of pairs"/>
  </acl_role>
  <acl_target id="nobody"><role id="reader"/></acl_target>
  <acl_group id="nogroup"><role id="reader"/></acl_group>
</acls>`;
