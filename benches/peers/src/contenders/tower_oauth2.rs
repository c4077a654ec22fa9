//! tower-oauth2-resource-server: a layer, over jsonwebtoken 11.

use ::tower_oauth2_resource_server::server::OAuth2ResourceServer;
use ::tower_oauth2_resource_server::tenant::TenantConfiguration;
use ::tower_oauth2_resource_server::validation::ClaimsValidationSpec;
use tower::Layer;

use super::{Contender, Subject, layered};
use crate::inner::Inner;
use crate::provider::Provider;
use crate::setup::{AUDIENCE, ISSUER, Setup, User};

pub(crate) const TOWER_OAUTH2: [Contender; 2] = [
    Contender {
        name: "tower-oauth2-resource-server, default (RustCrypto)",
        package: "tower-oauth2-resource-server",
        provider: Provider::RustCrypto,
        build,
        ..Contender::DEFAULT
    },
    Contender {
        name: "tower-oauth2-resource-server, aws-lc",
        package: "tower-oauth2-resource-server",
        build,
        ..Contender::DEFAULT
    },
];

fn build(setup: &Setup) -> Result<Box<dyn Subject>, &'static str> {
    let claims = ClaimsValidationSpec::recommended(ISSUER, &vec![AUDIENCE.to_owned()]);
    let tenant = TenantConfiguration::static_builder(setup.jwks_text())
        .claims_validation(claims)
        .allowed_algorithms(&[setup.algorithm()])
        .build()
        .expect("a tenant");
    let server = OAuth2ResourceServer::<User>::builder().add_tenant(tenant).build();
    let server = setup.runtime.block_on(server).expect("a resource server");
    let inner: Inner =
        Inner::new(|extensions| extensions.get::<User>().map(|user| user.sub.as_str()));
    layered(server.into_layer().layer(inner))
}
