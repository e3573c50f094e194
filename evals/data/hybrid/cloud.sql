INSERT INTO accounts VALUES (4,'Brightfold','France',3,'2022-05-20',320,NULL),(5,'Kestrel Air','Canada',2,'2022-08-01',100,NULL),(6,'Mossgate','Germany',2,'2023-01-15',62,NULL),(7,'Sable & Sons','Ireland',2,'2024-02-02',101,NULL);
INSERT INTO products VALUES (4,'Core Switch','Network',1250,15),(5,'Patch Kit','Hardware',12,900),(6,'Fibre Card','Network',310,3);
INSERT INTO orders VALUES (4,4,'2024-03-04','2024-03-06','delivered',2500,100),(5,5,'2024-04-10','2024-04-20','delivered',620,0),(6,6,'2023-11-02','2023-11-05','delivered',340,0);
INSERT INTO order_items VALUES (4,4,2,1250),(5,6,2,310),(6,6,1,310);
INSERT INTO tickets VALUES (3,4,'2024-03-01','2024-03-01','2024-03-02','high','Nadia'),(4,5,'2024-03-05','2024-03-05',NULL,'high','Oskar'),(5,6,'2024-03-09','2024-03-10','2024-03-11','normal','Nadia'),(6,1,'2024-04-02','2024-04-02','2024-04-02','high','Ines');
INSERT INTO incidents VALUES (3,'2024-05-02','2024-05-02',2,'search'),(4,'2024-06-19','2024-06-19',1,'billing'),(5,'2024-07-01','2024-07-03',3,'mail');
INSERT INTO refunds VALUES (2,4,'2024-03-20',300,'late'),(3,5,'2024-04-30',620,'defect'),(4,6,'2023-11-20',340,'defect');
