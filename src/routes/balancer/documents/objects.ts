import type {
  Common,
  Described,
  Listener,
  LoadBalancer,
  Member,
  Monitor,
  Policy,
  Pool,
  Rule,
} from '../../../balancer/objects.ts';

// The objects as the documented API shows them: the keys of the document in its order first, then those that the
// recorded service added.

export function loadBalancerDocument(of: LoadBalancer): object {
  const { vip } = of;
  return {
    id: of.id,
    vip: {
      port_id: vip.port,
      network_id: vip.network,
      ip_address: vip.address,
      subnet_id: vip.subnet,
    },
    tenant_id: of.project,
    ...describedDocument(of),
    provisioning_status: of.provisioning,
    operating_status: of.operating,
    project_id: of.project,
    ...times(of),
  };
}

/** @param pool the pool that was made with it */
export function listenerDocument(of: Listener, pool?: object): object {
  return {
    id: of.id,
    protocol: of.protocol,
    protocol_port: of.port,
    connection_limit: of.connectionLimit,
    default_tls_container_id: of.tlsRef,
    tenant_id: of.project,
    ...describedDocument(of),
    provisioning_status: of.provisioning,
    operating_status: of.operating,
    tls_certificate_id: of.tlsRef,
    sni_containers: of.sniRefs,
    default_pool_id: of.defaultPool,
    ...(pool && { default_pool: pool }),
    insert_headers: of.insertHeaders,
    project_id: of.project,
    ...times(of),
  };
}

export function poolDocument(of: Pool): object {
  const { persistence } = of;
  return {
    id: of.id,
    protocol: of.protocol,
    lb_algorithm: of.algorithm,
    session_persistence: persistence && {
      type: persistence.type,
      cookie_name: persistence.cookieName,
    },
    ...describedDocument(of),
    operating_status: of.operating,
    project_id: of.project,
    tenant_id: of.project,
    ...times(of),
  };
}

export function memberDocument(of: Member): object {
  return {
    id: of.id,
    ip_address: of.address,
    protocol_port: of.port,
    weight: of.weight,
    subnet_id: of.subnet,
    enabled: of.isEnabled,
    operating_status: of.operating,
    project_id: of.project,
    tenant_id: of.project,
    ...times(of),
    monitor_address: of.monitorAddress,
    monitor_port: of.monitorPort,
  };
}

export function monitorDocument(of: Monitor): object {
  return {
    type: of.type,
    delay: of.delay,
    timeout: of.timeout,
    fall_threshold: of.fallThreshold,
    rise_threshold: of.riseThreshold,
    http_method: of.httpMethod,
    url_path: of.urlPath,
    expected_codes: of.expectedCodes,
    enabled: of.isEnabled,
    project_id: of.project,
    tenant_id: of.project,
  };
}

export function policyDocument(of: Policy): object {
  return {
    id: of.id,
    ...describedDocument(of),
    action: of.action,
    redirect_pool_id: of.redirectPool,
    redirect_url: of.redirectUrl,
    redirect_prefix: of.redirectPrefix,
    position: of.position,
  };
}

export function ruleDocument(of: Rule): object {
  return {
    id: of.id,
    type: of.type,
    compare_type: of.compareType,
    key: of.key,
    value: of.value,
    invert: of.isInverted,
  };
}

function describedDocument({ name, description, isEnabled }: Described): object {
  return { name, description, enabled: isEnabled };
}

function times({ createdAt, updatedAt }: Pick<Common, 'createdAt' | 'updatedAt'>): object {
  return { created_at: createdAt, updated_at: updatedAt };
}
