//! The places that a service touches outside its folder.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use stack::{SERVICES, SITES};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Fails with every service for which `file` has no `entry`.
fn assert_lists_every_service(file: &str, entry: impl Fn(&str) -> String) {
    let text = fs::read_to_string(root().join(file)).unwrap();
    for service in &SERVICES {
        let entry = entry(service.name);
        assert!(text.contains(&entry), "{file} has no {entry:?}");
    }
}

#[test]
fn the_list_of_services_is_the_folders_of_svc() {
    let folders = fs::read_dir(root().join("svc")).unwrap();
    let folders = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    // A site has no database and no events.
    let folders = folders.filter(|name| !SITES.contains(&name.as_str()));
    let names = SERVICES.map(|service| service.name.to_owned());
    assert_eq!(folders.collect::<BTreeSet<_>>(), BTreeSet::from(names.clone()));
    assert_eq!(
        BTreeSet::from(drill::SERVICES.map(str::to_owned)),
        BTreeSet::from(names)
    );
}

#[test]
fn production_and_documents_have_every_service() {
    assert_lists_every_service("nomad/service.nomad.hcl", |name| format!("\n    {name} = {{\n"));
    assert_lists_every_service("nomad/backup.nomad.hcl", |name| format!("\"{name}\""));
    assert_lists_every_service("docs/architecture.md", |name| {
        format!("[{name}](../svc/{name}/README.md)")
    });
}

#[test]
fn the_ingress_routes_every_path_of_every_service() {
    let routes = fs::read_to_string(root().join("nomad/ingress/nginx.conf.tpl")).unwrap();
    for service in &SERVICES {
        let document = (service.document)();
        for path in document["paths"].as_object().unwrap().keys() {
            let prefix = path.split('/').take(4).collect::<Vec<_>>().join("/");
            let route = format!("~^{prefix}(/|$) {};", service.name);
            assert!(routes.contains(&route), "the ingress has no {route:?}");
        }
    }
}
